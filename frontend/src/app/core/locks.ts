/**
 * Do `work` while no other tab of this browser does work of this name; they wait for each other.
 *
 * A browser without the Web Locks API has no such thing: there each tab goes its own way.
 */
export async function aloneInBrowser<T>(name: string, work: () => Promise<T>): Promise<T> {
  // Only in a secure context, whatever the types say.
  const locks = navigator.locks as LockManager | undefined;
  return locks ? await locks.request(name, work) : await work();
}

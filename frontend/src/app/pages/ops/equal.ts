/** Equal things, and how many of them there are. */
export interface Equal<T> {
  readonly first: T;
  readonly all: readonly T[];
}

/** Things in the order in which the first of each kind came; `kindOf` says what makes two of them equal. */
export function equalOnes<T>(things: readonly T[], kindOf: (thing: T) => readonly unknown[]): readonly Equal<T>[] {
  const kinds = new Map<string, { first: T; all: T[] }>();
  for (const thing of things) {
    const kind = JSON.stringify(kindOf(thing));
    const known = kinds.get(kind);
    if (known) known.all.push(thing);
    else kinds.set(kind, { first: thing, all: [thing] });
  }
  return [...kinds.values()];
}

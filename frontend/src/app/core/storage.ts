function guarded(area: () => Storage) {
  return {
    get(key: string): string | null {
      try {
        return area().getItem(key);
      } catch {
        return null;
      }
    },

    /** Keep `value`; null forgets it. */
    set(key: string, value: string | null): void {
      try {
        if (value === null) area().removeItem(key);
        else area().setItem(key, value);
      } catch {
        // Full or refused.
      }
    },
  };
}

/**
 * Local storage that a browser may refuse (private windows, blocked cookies): then nothing is kept, and the shop works
 * on. Nothing secret belongs here.
 */
export const storage = {
  ...guarded(() => localStorage),

  /**
   * Calls `listener` when another tab of this browser changes `key`.
   *
   * @returns ends that.
   */
  onChangeElsewhere(key: string, listener: () => void): () => void {
    const onStorage = (event: StorageEvent) => {
      if (event.key === key || event.key === null) listener();
    };
    addEventListener('storage', onStorage);
    return () => removeEventListener('storage', onStorage);
  },
};

/** The same for this tab alone, and only until it is closed. */
export const tabStorage = guarded(() => sessionStorage);

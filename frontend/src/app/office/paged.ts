import { signal } from '@angular/core';
import { Seen } from '../core/poller';
import { Submission } from '../core/submission';

/** A part of a list, as the API gives it. */
export interface Part<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/**
 * A list that comes in parts, and is looked at again and again by a `Poller`. Only the first part is: once there are
 * more, its rows stay in their places.
 */
export class Paged<T> {
  private readonly rows = signal<readonly T[] | null>(null);
  private readonly next = signal<string | null>(null);
  /** Counts what was done here, so that an answer that was on its way meanwhile is not taken. */
  private turn = 0;
  private furthered = false;

  /** Null until the first have come. */
  readonly items = this.rows.asReadonly();
  readonly nextCursor = this.next.asReadonly();
  /** The way to further parts. */
  readonly older = new Submission();

  /**
   * @param fetch gets the part behind a cursor; null for the first one.
   * @param idOf tells rows apart.
   */
  constructor(
    private readonly fetch: (cursor: string | null) => Promise<Part<T>>,
    private readonly idOf: (row: T) => string,
  ) {}

  /** Look at the first part; throws ApiError. */
  async look(): Promise<Seen> {
    if (this.furthered) return 'later';
    const turn = this.turn;
    const part = await this.fetch(null);
    if (turn !== this.turn) return 'news';
    const same = JSON.stringify(part.items) === JSON.stringify(this.rows());
    if (!same) this.rows.set(part.items);
    this.next.set(part.nextCursor);
    return same ? 'later' : 'news';
  }

  /** Begin anew, with nothing. */
  clear(): void {
    this.turn++;
    this.furthered = false;
    this.rows.set(null);
    this.next.set(null);
  }

  /** Show the next part below. */
  async more(): Promise<void> {
    const [turn, cursor] = [++this.turn, this.next()];
    if (cursor === null) return;
    await this.older.run(async () => {
      const part = await this.fetch(cursor);
      if (turn !== this.turn) return;
      this.furthered = true;
      const known = new Set(this.rows()?.map(this.idOf));
      this.rows.update((rows) => [...(rows ?? []), ...part.items.filter((row) => !known.has(this.idOf(row)))]);
      this.next.set(part.nextCursor);
    });
  }

  /** A row as it is now, in its place. */
  put(row: T): void {
    this.turn++;
    this.rows.update((rows) => rows?.map((each) => (this.idOf(each) === this.idOf(row) ? row : each)) ?? null);
  }

  /** A row that does not belong here any longer. */
  drop(id: string): void {
    this.turn++;
    this.rows.update((rows) => rows?.filter((each) => this.idOf(each) !== id) ?? null);
  }
}

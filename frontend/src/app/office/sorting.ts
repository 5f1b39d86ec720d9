import { Component, computed, input, signal } from '@angular/core';
import { LOCALE } from '../core/format';

type Value = string | number | null;
type Direction = 'ascending' | 'descending';

/** What a heading needs to know of it. */
interface Sortable {
  toggle(column: string): void;
  direction(column: string): Direction | null;
}

/** The order of a table's rows: as they came, until somebody chooses a column. */
export class Sorting<T> implements Sortable {
  private readonly by = signal<{ readonly column: string; readonly direction: Direction } | null>(null);

  /** @param values by column, what a row is sorted by there; null stands last. */
  constructor(private readonly values: Readonly<Record<string, (row: T) => Value>>) {}

  direction(column: string): Direction | null {
    const by = this.by();
    return by?.column === column ? by.direction : null;
  }

  /** Upwards, then downwards, then as the rows came. */
  toggle(column: string): void {
    const now = this.direction(column);
    if (now === 'descending') this.by.set(null);
    else this.by.set({ column, direction: now ? 'descending' : 'ascending' });
  }

  sorted(rows: readonly T[]): readonly T[] {
    const by = this.by();
    const value = by && this.values[by.column];
    if (!value) return rows;
    return rows.toSorted((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === null || y === null) return Number(x === null) - Number(y === null);
      return (by.direction === 'descending' ? -1 : 1) * compare(x, y);
    });
  }
}

function compare(x: string | number, y: string | number): number {
  if (typeof x === 'number' && typeof y === 'number') return x - y;
  return String(x).localeCompare(String(y), LOCALE, { numeric: true });
}

/** The heading of a column by which rows can be sorted: `<th shopSort="total" [sorting]="sorting">Total</th>`. */
@Component({
  selector: 'th[shopSort]',
  host: { scope: 'col', '[attr.aria-sort]': 'direction()' },
  template: `<button type="button" class="sort" (click)="sorting().toggle(shopSort())"><ng-content /></button>`,
})
export class SortHeading {
  readonly shopSort = input.required<string>();
  readonly sorting = input.required<Sortable>();

  protected readonly direction = computed(() => this.sorting().direction(this.shopSort()));
}

import { Directive, ElementRef, inject } from '@angular/core';

/** What can have the focus in a row; the link that leads on comes first. */
const [LEAD, ELSE] = ['a[data-lead]', 'a, button, input'];

const STEPS: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  j: 1,
  ArrowUp: -1,
  k: -1,
  Home: -Infinity,
  End: Infinity,
};

/**
 * `<table shopRows>`: the arrow keys (or j and k), Home and End lead from row to row, and x chooses one. Only while the
 * focus is in the table, and not while somebody types.
 */
@Directive({ selector: 'table[shopRows]', host: { '(keydown)': 'move($event)' } })
export class Rows {
  private readonly table = inject<ElementRef<HTMLTableElement>>(ElementRef).nativeElement;

  protected move(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.altKey || event.metaKey || target.closest('dialog, select')) return;
    if (target instanceof HTMLInputElement && target.type !== 'checkbox') return;
    const rows = [...this.table.tBodies].flatMap((body) => [...body.rows]);
    const at = rows.findIndex((row) => row.contains(target));
    if (event.key === 'x' && at >= 0) {
      rows[at]!.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
      return;
    }
    const step = STEPS[event.key];
    if (step === undefined || !rows.length) return;
    event.preventDefault();
    const next = Math.min(Math.max(at + step, 0), rows.length - 1);
    const row = rows[next]!;
    (row.querySelector<HTMLElement>(LEAD) ?? row.querySelector<HTMLElement>(ELSE))?.focus();
  }
}

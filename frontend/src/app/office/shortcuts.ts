import { Component, DestroyRef, ElementRef, inject, signal, viewChild } from '@angular/core';
import { Router } from '@angular/router';
import { Session } from '../core/session';
import { storage } from '../core/storage';

/** Whether this person does without them; single keys are in the way of those who dictate (WCAG 2.1.4). */
const OFF = 'cloudretail.shortcuts-off';

/** Milliseconds within which the second key follows the first. */
const SOON = 1500;

interface Way {
  readonly key: string;
  readonly name: string;
  readonly to: string;
}

const STAFF: readonly Way[] = [
  { key: 'o', name: 'Orders', to: '/admin/orders' },
  { key: 's', name: 'To ship', to: '/admin/to-ship' },
  { key: 'r', name: 'Returns', to: '/admin/returns' },
  { key: 'f', name: 'Refunds', to: '/admin/refunds' },
  { key: 'p', name: 'Products', to: '/admin/products' },
  { key: 'l', name: 'Stock', to: '/admin/stock' },
  { key: 'c', name: 'Customers', to: '/admin/customers' },
];

const OPERATORS: readonly Way[] = [
  { key: 'q', name: 'Queues', to: '/ops' },
  { key: 't', name: 'Time-line', to: '/ops/orders' },
];

/** Keys that lead from page to page, and the list of them. */
@Component({
  selector: 'shop-shortcuts',
  template: `
    <button type="button" class="side-link" (click)="open()">Keyboard shortcuts</button>
    <dialog #dialog class="dialog" aria-labelledby="shortcuts" closedby="any">
      <div class="stack">
        <h2 id="shortcuts">Keyboard shortcuts</h2>
        <dl class="shortcuts">
          @for (way of ways(); track way.to) {
            <div>
              <dt>{{ way.name }}</dt>
              <dd>
                <kbd>g</kbd> <kbd>{{ way.key }}</kbd>
              </dd>
            </div>
          }
          <div>
            <dt>Search this page</dt>
            <dd><kbd>/</kbd></dd>
          </div>
          <div>
            <dt>From row to row</dt>
            <dd><kbd>j</kbd> <kbd>k</kbd> or <kbd>↓</kbd> <kbd>↑</kbd></dd>
          </div>
          <div>
            <dt>Choose the row</dt>
            <dd><kbd>x</kbd></dd>
          </div>
          <div>
            <dt>This list</dt>
            <dd><kbd>?</kbd></dd>
          </div>
        </dl>
        <label class="check"
          ><input type="checkbox" [checked]="on()" (change)="toggle()" /> Single keys are shortcuts</label
        >
        <div class="actions">
          <button type="button" class="button button-quiet" (click)="dialog.close()">Close</button>
        </div>
      </div>
    </dialog>
  `,
})
export class Shortcuts {
  private readonly router = inject(Router);
  private readonly session = inject(Session);
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');

  protected readonly on = signal(storage.get(OFF) === null);
  /** When g was pressed, by `performance.now()`. */
  private began = -Infinity;

  constructor() {
    const press = (event: KeyboardEvent) => this.press(event);
    addEventListener('keydown', press);
    inject(DestroyRef).onDestroy(() => removeEventListener('keydown', press));
  }

  protected ways(): readonly Way[] {
    return [...(this.session.isStaff() ? STAFF : []), ...(this.session.isOperator() ? OPERATORS : [])];
  }

  protected open(): void {
    this.dialog().nativeElement.showModal();
  }

  protected toggle(): void {
    this.on.update((on) => !on);
    storage.set(OFF, this.on() ? null : 'yes');
  }

  private press(event: KeyboardEvent): void {
    const { key, target } = event;
    if (!this.on() || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (target instanceof Element && target.closest('input:not([type=checkbox]), textarea, select, dialog')) return;
    const way = event.timeStamp - this.began < SOON ? this.ways().find((each) => each.key === key) : undefined;
    this.began = key === 'g' ? event.timeStamp : -Infinity;
    if (way) void this.router.navigateByUrl(way.to);
    else if (key === '?') this.open();
    else if (key === '/') document.querySelector<HTMLElement>('[role=search] input')?.focus();
    else return;
    event.preventDefault();
  }
}

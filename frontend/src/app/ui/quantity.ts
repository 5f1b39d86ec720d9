import { Component, computed, input, output } from '@angular/core';
import { MAX_QUANTITY } from '../core/cart';
import { Icon } from './icon';
import css from './quantity.css' with { loader: 'text' };
import { adopt } from './sheet';

adopt(css, 'components');

/** One less, the number, one more. */
@Component({
  selector: 'shop-quantity',
  imports: [Icon],
  host: { class: 'quantity', role: 'group', '[attr.aria-label]': '"Quantity of " + of()' },
  template: `
    <!-- Not disabled: a button that is pressed as far as it goes would lose the focus. -->
    <button type="button" [attr.aria-disabled]="less() === null" (click)="want(less())">
      <shop-icon name="minus" /><span class="visually-hidden">One less</span>
    </button>
    <input
      #control
      type="text"
      inputmode="numeric"
      maxlength="2"
      [attr.aria-label]="'Quantity of ' + of()"
      [value]="value()"
      [disabled]="disabled()"
      (change)="enter(control)"
    />
    <button type="button" [attr.aria-disabled]="more() === null" (click)="want(more())">
      <shop-icon name="plus" /><span class="visually-hidden">One more</span>
    </button>
  `,
})
export class Quantity {
  readonly value = input.required<number>();
  /** What is counted, for those who do not see where it stands. */
  readonly of = input.required<string>();
  /** How many can be had. */
  readonly available = input(MAX_QUANTITY);
  readonly disabled = input(false);
  /** Another number is wanted. */
  readonly wanted = output<number>();

  protected readonly limit = computed(() => Math.min(this.available(), MAX_QUANTITY));
  /** The next number below that can be had, which may be several steps away; null where there is none. */
  protected readonly less = computed(() => {
    const less = Math.min(this.value() - 1, this.limit());
    return less < 1 || this.disabled() ? null : less;
  });
  /** The next number above; null where there is none. */
  protected readonly more = computed(() => (this.value() >= this.limit() || this.disabled() ? null : this.value() + 1));

  protected want(quantity: number | null): void {
    if (quantity !== null) this.wanted.emit(quantity);
  }

  protected enter(control: HTMLInputElement): void {
    const entered = Number.parseInt(control.value, 10);
    const quantity = Number.isNaN(entered) ? this.value() : Math.min(Math.max(entered, 1), Math.max(this.limit(), 1));
    control.value = String(quantity);
    if (quantity !== this.value()) this.wanted.emit(quantity);
  }
}

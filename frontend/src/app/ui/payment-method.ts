import { Component, effect, inject, input, model } from '@angular/core';
import { PaymentMethods } from '../core/payment-methods';
import { Icon } from './icon';
import { Problem } from './problem';
import { Skeleton } from './skeleton';

/** How somebody wants to pay, of what this shop takes. */
@Component({
  selector: 'shop-payment-method',
  imports: [Icon, Problem, Skeleton],
  template: `
    @if (methods.offered(); as offered) {
      <fieldset class="choices">
        <legend><h2>Payment method</h2></legend>
        @if (offered.includes('CARD')) {
          <label class="choice">
            <input type="radio" name="method" [checked]="method() === 'CARD'" (change)="method.set('CARD')" />
            <span
              ><strong>Card</strong>
              @if (cardHint(); as hint) {
                <span class="hint">{{ hint }}</span>
              }
            </span>
            <shop-icon name="shield" />
          </label>
        }
        @if (withoutCash()) {
          <p class="hint">
            This order can't be paid in cash: with your other open orders it comes to more than we can hand over unpaid.
          </p>
        } @else if (offered.includes('COD')) {
          <label class="choice">
            <input type="radio" name="method" [checked]="method() === 'COD'" (change)="method.set('COD')" />
            <span><strong>Cash on delivery</strong> <span class="hint">You pay when it arrives.</span></span>
            <shop-icon name="wallet" />
          </label>
        }
      </fieldset>
    } @else if (methods.problem(); as problem) {
      <shop-problem [error]="problem" (retry)="methods.load()" />
    } @else {
      <shop-skeleton height="9rem" />
    }
  `,
})
export class PaymentMethod {
  readonly method = model.required<'CARD' | 'COD'>();
  readonly cardHint = input<string>();
  /** The shop does not take cash for this order. */
  readonly withoutCash = input(false);

  protected readonly methods = inject(PaymentMethods);

  constructor() {
    void this.methods.load();
    // What this shop does not take is nobody's choice.
    effect(() => {
      const offered = this.methods.offered() ?? [];
      const [first] = offered;
      if (first && !offered.includes(this.method())) this.method.set(first);
    });
  }
}

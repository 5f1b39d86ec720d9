import { Component, computed, effect, inject, input, model } from '@angular/core';
import { Money } from '../api/models';
import { formatMoney } from '../core/format';
import { PaymentMethods } from '../core/payment-methods';
import { Icon } from './icon';
import { Problem } from './problem';
import { Skeleton } from './skeleton';

/** Why an order cannot be paid in cash, by the API's name for it. */
const WITHOUT_CASH: Readonly<Record<string, string>> = {
  TOO_MUCH_OPEN:
    "This order can't be paid in cash: with your other open orders it comes to more than we can hand over unpaid.",
  TOO_EXPENSIVE: "This order can't be paid in cash: it comes to more than our couriers collect.",
  NOT_OFFERED_HERE: 'Cash on delivery is not available where this order goes to.',
  NO_PHONE: "This order can't be paid in cash: our couriers call first, and it has no phone number.",
};

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
        @if (withoutCash(); as why) {
          <p class="hint">{{ why }}</p>
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
  /** Why the shop does not take cash for this order; null if it does. */
  readonly cashRefusal = input<string | null>(null);
  /** The highest total that can be paid in cash where it goes to, if that is known. */
  readonly cashUpTo = input<Money | null>(null);

  protected readonly methods = inject(PaymentMethods);
  protected readonly withoutCash = computed(() => {
    const refusal = this.cashRefusal();
    if (refusal === null || !this.methods.offered()?.includes('COD')) return null;
    const upTo = this.cashUpTo();
    if (refusal === 'TOO_EXPENSIVE' && upTo) return `Cash on delivery is available up to ${formatMoney(upTo)}.`;
    return WITHOUT_CASH[refusal] ?? "This order can't be paid in cash.";
  });

  constructor() {
    void this.methods.load();
    // What this shop does not take is nobody's choice.
    effect(() => {
      const withoutCash = this.withoutCash() !== null;
      const offered = (this.methods.offered() ?? []).filter((each) => each !== 'COD' || !withoutCash);
      const [first] = offered;
      if (first && !offered.includes(this.method())) this.method.set(first);
    });
  }
}

import { Component, input, model } from '@angular/core';
import { Icon } from './icon';

/** How somebody wants to pay. */
@Component({
  selector: 'shop-payment-method',
  imports: [Icon],
  template: `
    <fieldset class="choices">
      <legend><h2>Payment method</h2></legend>
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
      <label class="choice">
        <input type="radio" name="method" [checked]="method() === 'COD'" (change)="method.set('COD')" />
        <span><strong>Cash on delivery</strong> <span class="hint">You pay when it arrives.</span></span>
        <shop-icon name="wallet" />
      </label>
    </fieldset>
  `,
})
export class PaymentMethod {
  readonly method = model.required<'CARD' | 'COD'>();
  readonly cardHint = input<string>();
}

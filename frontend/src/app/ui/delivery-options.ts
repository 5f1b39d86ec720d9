import { Component, input, output } from '@angular/core';
import { ShippingOption } from '../api/models';
import { arrivalOf } from '../core/shipping';
import { MoneyPipe } from './money.pipe';

/** The ways in which a parcel can be sent, to choose one of. */
@Component({
  selector: 'shop-delivery-options',
  imports: [MoneyPipe],
  template: `
    <fieldset class="choices" [attr.aria-describedby]="error() ? 'delivery-error' : null">
      <legend><h2>Delivery</h2></legend>
      @for (option of options(); track option.methodId) {
        <label class="choice">
          <input
            type="radio"
            name="delivery"
            [attr.aria-invalid]="error() ? 'true' : null"
            [checked]="option.methodId === chosen()"
            (change)="choose.emit(option.methodId)"
          />
          <span
            ><strong>{{ option.name }}</strong>
            <span class="hint">{{ arrival(option) }}</span>
            @if (option.freeFrom && option.price.amount) {
              <span class="hint">Free from {{ option.freeFrom | money }}</span>
            }
          </span>
          <span class="choice-price">
            @if (option.price.amount) {
              {{ option.price | money }}
            } @else {
              Free
            }
          </span>
        </label>
      }
      @if (error(); as error) {
        <p class="field-error" id="delivery-error">{{ error }}</p>
      }
    </fieldset>
  `,
})
export class DeliveryOptions {
  readonly options = input.required<readonly ShippingOption[]>();
  /** Id of the one that is chosen. */
  readonly chosen = input.required<string | null>();
  readonly error = input<string | null>(null);
  readonly choose = output<string>();

  protected readonly arrival = arrivalOf;
}

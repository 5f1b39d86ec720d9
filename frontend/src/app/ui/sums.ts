import { Component, input } from '@angular/core';
import { Money, Tax } from '../api/models';
import { formatTax } from '../core/format';
import { MoneyPipe } from './money.pipe';

/** How something is sent, and what that costs. */
export interface Shipment {
  readonly name: string;
  readonly price: Money;
  /** What the items have to cost for it to be free; null or nothing where it never is. */
  readonly freeFrom?: Money | null;
}

/** What an order comes to: its items, its delivery, and the tax that is in both. */
@Component({
  selector: 'shop-sums',
  imports: [MoneyPipe],
  template: `
    <dl class="sums">
      <div>
        <dt>{{ label() }}</dt>
        <dd>
          @if (subtotal(); as subtotal) {
            {{ subtotal | money }}
          }
        </dd>
      </div>
      <div>
        <dt>
          Delivery{{ destination() ? ' to ' + destination() : '' }}
          @if (shipping(); as shipping) {
            <span class="hint">{{ shipping.name }}</span>
            @if (shipping.freeFrom && shipping.price.amount) {
              <span class="hint">Free from {{ shipping.freeFrom | money }}</span>
            }
          }
        </dt>
        <dd>
          @if (shipping(); as shipping) {
            @if (shipping.price.amount) {
              {{ shipping.price | money }}
            } @else {
              Free
            }
          } @else {
            <span class="hint">{{ unknown() }}</span>
          }
        </dd>
      </div>
      <div class="total" aria-live="polite" aria-atomic="true">
        <dt>Total</dt>
        <dd>
          @if (total(); as total) {
            <strong>{{ total | money }}</strong>
          }
        </dd>
        @if (total() && tax(); as tax) {
          <dd class="hint sums-tax">{{ words(tax) }}</dd>
        }
      </div>
    </dl>
  `,
})
export class Sums {
  readonly label = input.required<string>();
  readonly subtotal = input.required<Money | null>();
  /** Null while it is not known. */
  readonly shipping = input.required<Shipment | null>();
  readonly total = input.required<Money | null>();
  readonly tax = input<Tax | null>(null);
  /** Name of the country. */
  readonly destination = input<string>();
  /** What stands in place of a price that is not known. */
  readonly unknown = input('Calculating …');

  protected readonly words = formatTax;
}

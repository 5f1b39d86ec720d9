import { Component, computed, input } from '@angular/core';
import { Money, Tax } from '../api/models';
import { formatTax } from '../core/format';
import { MoneyPipe } from './money.pipe';

/** A line that has its height, and no text. */
const BLANK = '\u00a0';

/** How something is sent, and what that costs. */
export interface Shipment {
  readonly name: string;
  readonly price: Money;
  /** What the items have to cost for it to be free; null or nothing where it never is. */
  readonly freeFrom?: Money | null;
}

/**
 * What an order comes to: its items, its delivery, and the tax that is in both. It has all its lines before they are
 * known, and those that stay empty: a button below would else move away from under a press.
 */
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
          <span class="hint">{{ shipping()?.name ?? BLANK }}</span>
        </dt>
        <dd>
          @if (shipping(); as shipping) {
            @if (shipping.price.amount) {
              {{ shipping.price | money }}
              @if (shipping.freeFrom) {
                <span class="hint">Free from {{ shipping.freeFrom | money }}</span>
              }
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
          <strong>
            @if (total(); as total) {
              {{ total | money }}
            } @else {
              {{ BLANK }}
            }
          </strong>
        </dd>
        <dd class="hint sums-tax">{{ taxInWords() }}</dd>
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

  protected readonly BLANK = BLANK;
  protected readonly taxInWords = computed(() => {
    const tax = this.total() && this.tax();
    return tax ? formatTax(tax) : BLANK;
  });
}

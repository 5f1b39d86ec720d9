import { Component, computed, input } from '@angular/core';
import { ShipmentView } from '../../api/models';
import { Address } from '../../ui/address';
import { MoneyPipe } from '../../ui/money.pipe';
import { OrderNumberPipe } from '../../ui/order-number.pipe';
import { WhenPipe } from '../../ui/when.pipe';
import { piecesOf } from './words';

/** What lies in a parcel on paper. It has no prices, since a parcel may be a present; what is to be collected is on it. */
@Component({
  selector: 'shop-slip',
  imports: [Address, MoneyPipe, OrderNumberPipe, WhenPipe],
  host: { class: 'slip', '[class.slip-a4]': "paper() === 'A4'", '[class.slip-a6]': "paper() === 'A6'" },
  template: `
    <article [attr.aria-label]="'Packing slip of ' + (shipment().orderId | orderNumber)">
      <header class="slip-head">
        <p class="slip-shop">CloudRetail</p>
        <p class="slip-number">{{ shipment().orderId | orderNumber }}</p>
      </header>
      @if (shipment().shippingAddress; as address) {
        <shop-address [address]="address" />
      }
      <dl class="slip-facts">
        @if (ordered(); as at) {
          <div>
            <dt>Order of</dt>
            <dd>{{ at | when: 'day' }}</dd>
          </div>
        }
        @if (shipment().shipping; as shipping) {
          <div>
            <dt>Delivery</dt>
            <dd>{{ shipping.name }}</dd>
          </div>
        }
        @if (shipment().cashDue; as due) {
          <div class="slip-cash">
            <dt>Cash to collect</dt>
            <dd>{{ due | money }}</dd>
          </div>
        }
      </dl>
      <table class="slip-items">
        <thead>
          <tr>
            <th scope="col">Pieces</th>
            <th scope="col">Product</th>
            <th scope="col"><span class="visually-hidden">Packed</span></th>
          </tr>
        </thead>
        <tbody>
          @for (item of shipment().items; track item.productId) {
            <tr>
              <td>{{ item.quantity }}</td>
              <td>{{ item.name }}</td>
              <td class="slip-box" aria-hidden="true"></td>
            </tr>
          }
        </tbody>
      </table>
      <footer>
        <p>{{ pieces() }} in this parcel. Thank you for your order.</p>
        <p>Not quite right? Your order’s page says how to send it back.</p>
      </footer>
    </article>
  `,
})
export class Slip {
  readonly shipment = input.required<ShipmentView>();
  readonly paper = input.required<'A4' | 'A6'>();

  protected readonly ordered = computed(() => this.shipment().story[0]?.at);
  protected readonly pieces = computed(() => {
    const pieces = piecesOf(this.shipment().items);
    return `${pieces} ${pieces === 1 ? 'piece' : 'pieces'}`;
  });
}

import { Component, computed, input } from '@angular/core';
import { ShipmentView } from '../../api/models';
import { LOCALE, orderNumber } from '../../core/format';

interface Pick {
  readonly productId: string;
  readonly name: string;
  readonly pieces: number;
  /** For which orders: "2 for 3F5XK2M7QA". */
  readonly orders: readonly string[];
}

/** What is to be fetched for some parcels: each product once, whatever orders it is for. */
export function picksOf(shipments: readonly ShipmentView[]): readonly Pick[] {
  const picks = new Map<string, Pick>();
  for (const { orderId, items } of shipments) {
    for (const { productId, name, quantity } of items) {
      const before = picks.get(productId) ?? { productId, name, pieces: 0, orders: [] };
      const orders = [...before.orders, `${quantity} for ${orderNumber(orderId)}`];
      picks.set(productId, { ...before, pieces: before.pieces + quantity, orders });
    }
  }
  return [...picks.values()].sort((a, b) => a.name.localeCompare(b.name, LOCALE));
}

@Component({
  selector: 'shop-pick-list',
  host: { class: 'stack paper-a4' },
  template: `
    <p class="office-lead">{{ pieces() }} of {{ picks().length }} products, for {{ shipments().length }} parcels</p>
    <div class="data-frame" tabindex="0" role="region" aria-label="Pick list">
      <table class="data">
        <caption>
          Pick list
        </caption>
        <thead>
          <tr>
            <th scope="col" class="pick"><span class="visually-hidden">Picked</span></th>
            <th scope="col" class="number">Pieces</th>
            <th scope="col">Product</th>
            <th scope="col">Id</th>
            <th scope="col">Orders</th>
          </tr>
        </thead>
        <tbody>
          @for (pick of picks(); track pick.productId) {
            <tr>
              <td class="pick"><input type="checkbox" [attr.aria-label]="'Picked: ' + pick.name" /></td>
              <td class="number">
                <strong>{{ pick.pieces }}</strong>
              </td>
              <th scope="row">{{ pick.name }}</th>
              <td class="order-number">{{ pick.productId }}</td>
              <td class="wide">{{ pick.orders.join(', ') }}</td>
            </tr>
          }
        </tbody>
      </table>
    </div>
  `,
})
export class PickList {
  readonly shipments = input.required<readonly ShipmentView[]>();

  protected readonly picks = computed(() => picksOf(this.shipments()));
  protected readonly pieces = computed(() => {
    const pieces = this.picks().reduce((sum, pick) => sum + pick.pieces, 0);
    return `${pieces} ${pieces === 1 ? 'piece' : 'pieces'}`;
  });
}

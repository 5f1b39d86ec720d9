import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Money, OrderItem, Tax } from '../api/models';
import { MoneyPipe } from './money.pipe';
import { ProductThumbnail } from './product-thumbnail';
import { Shipment, Sums } from './sums';

/** What is ordered, and what it costs. */
@Component({
  selector: 'shop-order-items',
  imports: [MoneyPipe, ProductThumbnail, RouterLink, Sums],
  template: `
    <ul class="items">
      @for (item of items(); track item.productId) {
        <li class="item">
          <shop-product-thumbnail [productId]="item.productId" />
          <div>
            <p>
              <a class="item-name" [routerLink]="['/products', item.productId]">{{ item.name }}</a>
            </p>
            <p class="hint">{{ item.quantity }} × {{ item.unitPrice | money }}</p>
          </div>
          <strong class="item-total">{{ times(item) | money }}</strong>
        </li>
      }
    </ul>
    <shop-sums
      label="Items"
      [subtotal]="subtotal()"
      [shipping]="shipping()"
      [total]="total()"
      [tax]="tax()"
      [unknown]="unknown()"
    />
  `,
})
export class OrderItems {
  readonly items = input.required<readonly OrderItem[]>();
  /** Null while it is not known, and with it the total. */
  readonly shipping = input.required<Shipment | null>();
  readonly total = input.required<Money | null>();
  readonly tax = input<Tax | null>(null);
  /** What stands in place of a price that is not known. */
  readonly unknown = input('Calculating …');

  protected readonly subtotal = computed<Money | null>(() => {
    const [first] = this.items();
    if (!first) return null;
    const amount = this.items().reduce((sum, { unitPrice, quantity }) => sum + unitPrice.amount * quantity, 0);
    return { ...first.unitPrice, amount };
  });

  protected times({ unitPrice, quantity }: OrderItem): Money {
    return { ...unitPrice, amount: unitPrice.amount * quantity };
  }
}

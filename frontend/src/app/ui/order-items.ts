import { Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Money, OrderItem } from '../api/models';
import { MoneyPipe } from './money.pipe';
import { ProductThumbnail } from './product-thumbnail';

/** What is ordered, and what it costs. */
@Component({
  selector: 'shop-order-items',
  imports: [MoneyPipe, ProductThumbnail, RouterLink],
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
    <dl class="sums">
      <div>
        <dt>Delivery</dt>
        <dd>Free</dd>
      </div>
      <div class="total">
        <dt>Total</dt>
        <dd>
          <strong>{{ total() | money }}</strong>
        </dd>
      </div>
    </dl>
  `,
})
export class OrderItems {
  readonly items = input.required<readonly OrderItem[]>();
  readonly total = input.required<Money>();

  protected times({ unitPrice, quantity }: OrderItem): Money {
    return { ...unitPrice, amount: unitPrice.amount * quantity };
  }
}

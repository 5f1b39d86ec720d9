import '../../styles/later';
import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../api/api';
import { getOrder } from '../api/fn/orders/get-order';
import { getPayment } from '../api/fn/payments/get-payment';
import { Money, OrderItem, OrderView } from '../api/models';
import { formatTax } from '../core/format';
import { Heading } from '../core/headings';
import { Html } from '../ui/html';
import { ApiError } from '../core/problem';
import { paidText, refundedOf } from '../core/receipt';
import { resource } from '../core/recovery';
import { Texts } from '../core/texts';
import { Address } from '../ui/address';
import { Icon } from '../ui/icon';
import { MoneyPipe } from '../ui/money.pipe';
import { OrderNumberPipe } from '../ui/order-number.pipe';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';
import { WhenPipe } from '../ui/when.pipe';
import NotFoundPage from './not-found';

/** What was bought, of whom, and with which tax: a page to be printed. */
@Component({
  selector: 'shop-receipt',
  imports: [
    Address,
    Heading,
    Html,
    Icon,
    MoneyPipe,
    NotFoundPage,
    OrderNumberPipe,
    Problem,
    RouterLink,
    Skeleton,
    WhenPipe,
  ],
  template: `
    @if (missing()) {
      <shop-not-found />
    } @else {
      <div class="wrap receipt stack">
        <header class="order-head">
          <a class="back unprinted" [routerLink]="['/orders', orderId()]"><shop-icon name="chevron" />Your order</a>
          <h1 shopHeading>Receipt</h1>
          @if (order(); as order) {
            <p class="order-facts">
              <span class="order-number">Order {{ order.orderId | orderNumber }}</span>
              <time [attr.datetime]="order.createdAt">{{ order.createdAt | when }}</time>
            </p>
          }
        </header>
        @if (order(); as order) {
          <div class="receipt-parties">
            <section aria-labelledby="seller">
              <h2 id="seller">Sold by</h2>
              <div [shopHtml]="seller.hasValue() ? seller.value() : ''"></div>
            </section>
            <section aria-labelledby="buyer">
              <h2 id="buyer">Delivered to</h2>
              <shop-address [address]="order.shippingAddress" />
            </section>
          </div>
          <table>
            <caption>
              What you bought
            </caption>
            <thead>
              <tr>
                <th scope="col">Item</th>
                <th scope="col">Quantity</th>
                <th scope="col">Price</th>
                <th scope="col">Amount</th>
              </tr>
            </thead>
            <tbody>
              @for (item of order.items; track item.productId) {
                <tr>
                  <th scope="row">{{ item.name }}</th>
                  <td>{{ item.quantity }}</td>
                  <td>{{ item.unitPrice | money }}</td>
                  <td>{{ times(item) | money }}</td>
                </tr>
              }
              <tr>
                <th scope="row" colspan="3">Delivery: {{ order.shipping.name }}</th>
                <td>{{ order.shipping.price | money }}</td>
              </tr>
              <tr class="receipt-total">
                <th scope="row" colspan="3">Total</th>
                <td>{{ order.total | money }}</td>
              </tr>
              @if (refunded(); as refunded) {
                <tr>
                  <th scope="row" colspan="3">Paid back</th>
                  <td>{{ refunded | money }}</td>
                </tr>
              }
            </tbody>
          </table>
          @if (order.tax; as tax) {
            <p>{{ words(tax) }}.</p>
          } @else {
            <p>No tax is included.</p>
          }
          <p>{{ paid(order) }}</p>
          <p class="unprinted">
            <button type="button" class="button" (click)="print()">Print, or save as PDF</button>
          </p>
        } @else if (found.error(); as error) {
          <shop-problem [error]="error" />
        } @else {
          <div aria-busy="true"><shop-skeleton height="22rem" /></div>
        }
      </div>
    }
  `,
})
export default class ReceiptPage {
  private readonly api = inject(Api);
  private readonly texts = inject(Texts);

  // From the address.
  readonly orderId = input.required<string>();

  protected readonly found = resource({
    params: () => this.orderId(),
    loader: async ({ params: orderId }) => {
      const order = await this.api.invoke(getOrder, { orderId });
      // Before somebody has chosen how to pay there may be none.
      const payment = order.paymentMethod ? await this.api.invoke(getPayment, { orderId }) : null;
      return { order, payment };
    },
  });
  /** Without the imprint's first words, which the heading here says. */
  protected readonly seller = resource({
    loader: async () => (await this.texts.get('imprint')).replace(/^\s*<p>[^<]*<\/p>/, ''),
  });

  protected readonly order = computed(() => (this.found.hasValue() ? this.found.value().order : undefined));
  protected readonly missing = computed(() => {
    const error = this.found.error();
    return error instanceof ApiError && error.status === 404;
  });
  protected readonly refunded = computed<Money | null>(() => {
    const amount = refundedOf(this.found.hasValue() ? this.found.value().payment : null);
    return amount ? { ...this.order()!.total, amount } : null;
  });

  protected readonly words = formatTax;
  protected readonly paid = (order: OrderView): string => paidText(order);

  protected times({ unitPrice, quantity }: OrderItem): Money {
    return { ...unitPrice, amount: unitPrice.amount * quantity };
  }

  protected print(): void {
    window.print();
  }
}

import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { StaffOrderSummary } from '../../api/models';
import { nameOf } from '../../core/countries';
import { STATUS } from '../../core/order-story';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { MoneyPipe } from '../../ui/money.pipe';
import { OrderStatusTag } from '../../ui/order-status';
import { WhenPipe } from '../../ui/when.pipe';
import { METHODS } from './words';

/** Orders as they were found; each leads to the whole of it. */
@Component({
  selector: 'shop-orders-table',
  imports: [MoneyPipe, OrderStatusTag, RouterLink, Rows, SortHeading, WhenPipe],
  template: `
    <div class="data-frame" tabindex="0" role="region" aria-label="Orders">
      <table class="data" shopRows>
        <caption>
          Orders
        </caption>
        <thead>
          <tr>
            <th shopSort="number" [sorting]="sorting">Order</th>
            <th shopSort="placed" [sorting]="sorting">Placed</th>
            <th shopSort="status" [sorting]="sorting">State</th>
            <th shopSort="name" [sorting]="sorting">Customer</th>
            <th shopSort="country" [sorting]="sorting">Country</th>
            <th shopSort="pieces" [sorting]="sorting" class="number">Pieces</th>
            <th shopSort="method" [sorting]="sorting">Payment</th>
            <th shopSort="total" [sorting]="sorting" class="number">Total</th>
          </tr>
        </thead>
        <tbody>
          @for (order of rows(); track order.orderId) {
            <tr>
              <th scope="row">
                <a class="order-number" data-lead [routerLink]="['/admin/orders', order.orderId]">{{ order.number }}</a>
              </th>
              <td>
                <time [attr.datetime]="order.placedAt">{{ order.placedAt | when: 'short' }}</time>
              </td>
              <td>
                <shop-order-status [status]="order.status" />
                @if (order.disputed) {
                  <span class="tag tag-bad">Disputed</span>
                }
              </td>
              <td class="wide">
                {{ order.name }}
                <a class="hint" routerLink="/admin/customers" [queryParams]="{ email: order.email }">{{
                  order.email
                }}</a>
              </td>
              <td class="whole">{{ nameOf(order.country) }}</td>
              <td class="number">{{ order.pieces }}</td>
              <td class="whole">{{ order.paymentMethod ? methods[order.paymentMethod] : '' }}</td>
              <td class="number">{{ order.total | money }}</td>
            </tr>
          }
        </tbody>
      </table>
    </div>
  `,
})
export class OrdersTable {
  readonly orders = input.required<readonly StaffOrderSummary[]>();

  protected readonly methods = METHODS;
  protected readonly nameOf = nameOf;
  protected readonly sorting = new Sorting<StaffOrderSummary>({
    number: ({ number }) => number,
    placed: ({ placedAt }) => placedAt,
    status: ({ status }) => STATUS[status].label,
    name: ({ name }) => name,
    country: ({ country }) => nameOf(country),
    pieces: ({ pieces }) => pieces,
    method: ({ paymentMethod }) => paymentMethod && METHODS[paymentMethod],
    total: ({ total }) => total.amount,
  });
  protected readonly rows = computed(() => this.sorting.sorted(this.orders()));
}

import '../../styles/later';
import { Component, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../api/api';
import { listOrders } from '../api/fn/orders/list-orders';
import { OrderStatus, OrderSummary } from '../api/models';
import { Heading } from '../core/headings';
import { Poller, Seen } from '../core/poller';
import { apiError } from '../core/problem';
import { Toasts } from '../core/toasts';
import { BlankImage } from '../ui/blank-image';
import { Icon } from '../ui/icon';
import { MoneyPipe } from '../ui/money.pipe';
import { OrderNumberPipe } from '../ui/order-number.pipe';
import { OrderStatusTag } from '../ui/order-status';
import { Problem } from '../ui/problem';
import { ProductThumbnail } from '../ui/product-thumbnail';
import { Skeleton } from '../ui/skeleton';
import { WayOn } from '../ui/way-on';
import { WhenPipe } from '../ui/when.pipe';

const PAGE = 10;

@Component({
  selector: 'shop-orders',
  imports: [
    BlankImage,
    Heading,
    Icon,
    MoneyPipe,
    OrderNumberPipe,
    OrderStatusTag,
    Problem,
    ProductThumbnail,
    RouterLink,
    Skeleton,
    WayOn,
    WhenPipe,
  ],
  providers: [Poller],
  host: { class: 'wrap stack' },
  template: `
    <h1 shopHeading>Your orders</h1>
    @if (poller.problem(); as problem) {
      <shop-problem [error]="problem" (retry)="poller.hurry()" />
    }
    <div role="status">
      @if (poller.unreachable()) {
        <div class="notice notice-caution">
          <shop-icon name="alert" />
          <p>We cannot reach the shop right now. We will keep trying.</p>
          <button type="button" class="button button-quiet" (click)="poller.hurry()">Try now</button>
        </div>
      }
    </div>
    @if (orders(); as orders) {
      @if (orders.length) {
        <ul class="orders">
          @for (order of orders; track order.orderId) {
            <li class="order-row panel">
              <div class="order-images">
                @for (item of order.items.slice(0, 3); track item.productId) {
                  <shop-product-thumbnail [productId]="item.productId" />
                }
                @if (order.items.length > 3) {
                  <span class="order-more">+{{ order.items.length - 3 }}</span>
                }
              </div>
              <div class="order-text">
                <h2>
                  <a class="order-link" [routerLink]="['/orders', order.orderId]">{{ names(order) }}</a>
                </h2>
                <p class="hint">
                  <time [attr.datetime]="order.createdAt">{{ order.createdAt | when }}</time>
                </p>
                <p class="hint order-number">Order {{ order.orderId | orderNumber }}</p>
              </div>
              <div class="order-state">
                <shop-order-status [status]="order.status" />
                <strong>{{ order.total | money }}</strong>
              </div>
            </li>
          }
        </ul>
        @if (cursor()) {
          <button type="button" class="button button-quiet order-older" [attr.aria-busy]="loading()" (click)="older()">
            {{ loading() ? 'Loading …' : 'Show older orders' }}
          </button>
        }
      } @else {
        <div class="blank">
          <shop-blank-image icon="box" />
          <p>You have not ordered anything yet.</p>
          <a class="button" routerLink="/products">Start shopping</a>
          <shop-way-on />
        </div>
      }
    } @else if (!poller.problem()) {
      <div class="stack" aria-busy="true">
        <shop-skeleton height="7rem" /><shop-skeleton height="7rem" /><shop-skeleton height="7rem" />
      </div>
    }
  `,
})
export default class OrdersPage {
  protected readonly poller = inject(Poller);
  private readonly api = inject(Api);
  private readonly toasts = inject(Toasts);

  protected readonly orders = signal<readonly OrderSummary[] | null>(null);
  /** Where the older ones go on; null where there are none. */
  protected readonly cursor = signal<string | null>(null);
  protected readonly loading = signal(false);

  constructor() {
    this.poller.start(() => this.look());
  }

  protected names({ items }: OrderSummary): string {
    const [first, ...others] = items.map(({ name, quantity }) => (quantity > 1 ? `${quantity} × ${name}` : name));
    return others.length > 1 ? `${first} and ${others.length} more` : [first, ...others].join(' and ');
  }

  protected async older(): Promise<void> {
    const cursor = this.cursor();
    if (!cursor || this.loading()) return;
    this.loading.set(true);
    try {
      const page = await this.api.invoke(listOrders, { limit: PAGE, cursor });
      this.cursor.set(page.nextCursor);
      this.show(page.items);
    } catch (error) {
      this.toasts.problem(apiError(error).message);
    } finally {
      this.loading.set(false);
    }
  }

  /** Only the newest are looked at again: the older ones have come to their end, or their own page shows it. */
  private async look(): Promise<Seen> {
    const first = this.orders() === null;
    const { items, nextCursor } = await this.api.invoke(listOrders, { limit: PAGE });
    if (first) this.cursor.set(nextCursor);
    const news = this.show(items);
    const awaited = (...statuses: OrderStatus[]) => items.some(({ status }) => statuses.includes(status));
    const soon = awaited('PENDING', 'RESERVED', 'CANCELLING');
    if (!soon && !awaited('CONFIRMED', 'SHIPPED')) return 'final';
    if (news) return 'news';
    return soon ? 'nothing' : 'later';
  }

  /** @returns whether anything is new. */
  private show(orders: readonly OrderSummary[]): boolean {
    const known = new Map((this.orders() ?? []).map((order) => [order.orderId, order] as const));
    const news = orders.some((order) => known.get(order.orderId)?.status !== order.status);
    orders.forEach((order) => known.set(order.orderId, order));
    this.orders.set([...known.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt)));
    return news;
  }
}

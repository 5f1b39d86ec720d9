import '../../styles/later';
import { Component, ElementRef, computed, effect, inject, input, untracked, viewChild } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../api/api';
import { cancelOrder } from '../api/fn/orders/cancel-order';
import { Heading } from '../core/headings';
import { OrderFollower } from '../core/order-follower';
import { storyOf } from '../core/order-story';
import { Poller } from '../core/poller';
import { Submission } from '../core/submission';
import { Address } from '../ui/address';
import { Countdown } from '../ui/countdown';
import { Following } from '../ui/following';
import { Icon } from '../ui/icon';
import { OrderAgain } from '../ui/order-again';
import { OrderItems } from '../ui/order-items';
import { OrderNumberPipe } from '../ui/order-number.pipe';
import { OrderStatusTag } from '../ui/order-status';
import { Problem } from '../ui/problem';
import { Returns } from '../ui/returns';
import { Skeleton } from '../ui/skeleton';
import { Story } from '../ui/story';
import { WhenPipe } from '../ui/when.pipe';
import NotFoundPage from './not-found';

@Component({
  selector: 'shop-order',
  imports: [
    Address,
    Countdown,
    Following,
    Heading,
    Icon,
    NotFoundPage,
    OrderAgain,
    OrderItems,
    OrderNumberPipe,
    OrderStatusTag,
    Problem,
    Returns,
    RouterLink,
    Skeleton,
    Story,
    WhenPipe,
  ],
  providers: [OrderFollower, Poller],
  host: { class: 'wrap stack' },
  template: `
    @if (follower.problem(); as problem) {
      @if (problem.status === 404) {
        <shop-not-found />
      } @else {
        <h1 shopHeading>Your order</h1>
        <shop-problem [error]="problem" (retry)="follower.refresh()" />
      }
    } @else {
      <header class="order-head">
        <a class="back" routerLink="/orders"><shop-icon name="chevron" />Your orders</a>
        <h1 shopHeading>Your order</h1>
        @if (follower.order(); as order) {
          <p class="order-facts">
            <shop-order-status [status]="order.status" />
            <time [attr.datetime]="order.createdAt">{{ order.createdAt | when }}</time>
            <span class="order-number">Order {{ order.orderId | orderNumber }}</span>
          </p>
        }
      </header>
      <shop-following [follower]="follower" />
      <p class="visually-hidden" role="status">{{ latest() }}</p>
      @if (follower.order(); as order) {
        <div class="with-aside">
          <div class="column">
            @if (!asEntered) {
              <div class="notice notice-caution" tabindex="-1">
                <shop-icon name="alert" />
                <div class="notice-text">
                  <h2>Your first order went through</h2>
                  <p>
                    We received it before you made your changes, so they are not part of it. It goes to the address
                    below,
                    {{ order.paymentMethod === 'COD' ? 'and you pay in cash on delivery' : 'and you pay by card' }}.
                  </p>
                  <shop-address [address]="order.shippingAddress" />
                  @if (cancellable()) {
                    <p>Not what you want? Cancel it, put the items back in your cart and order again.</p>
                  }
                </div>
                @if (cancellable()) {
                  <button type="button" class="button button-quiet" (click)="dialog.showModal()">
                    Cancel this order
                  </button>
                }
              </div>
            }
            @if (order.status === 'RESERVED' && follower.payment() && !follower.paying()) {
              <div class="notice">
                <shop-icon name="clock" />
                <p>
                  We are holding your items
                  @if (order.reservedUntil; as until) {
                    for <shop-countdown [until]="until" (timeUp)="follower.refresh()" />
                  }
                </p>
                <a class="button" [routerLink]="['/orders', order.orderId, 'pay']">Pay now</a>
              </div>
            }
            @if (order.status === 'SHIPPED') {
              <div class="notice">
                <shop-icon name="box" />
                <div class="notice-text">
                  <h2>Already on its way</h2>
                  <p>It can no longer be cancelled, but you can send it back once it has arrived.</p>
                </div>
                @if (order.parcel?.trackingUrl; as url) {
                  <a class="button" [href]="url" target="_blank" rel="noopener noreferrer"
                    >Track your parcel<span class="visually-hidden"> (opens in a new tab)</span></a
                  >
                }
              </div>
            }
            <section aria-labelledby="story">
              <h2 id="story" tabindex="-1" #heading>Order updates</h2>
              <shop-story [steps]="steps()" />
            </section>
            @if (submission.problem(); as problem) {
              <div class="notice notice-problem" role="alert">
                <shop-icon name="alert" />
                <p>{{ problem.message }}</p>
              </div>
            }
            @if (order.status === 'DELIVERED') {
              <shop-returns
                [order]="order"
                [payment]="follower.payment()"
                (changed)="follower.accept($event)"
                (refresh)="follower.refresh()"
              />
            }
            <div class="actions">
              <shop-order-again [items]="order.items" [ended]="ended()" [quiet]="!ended()" />
              @if (cancellable()) {
                <button
                  type="button"
                  class="button button-danger"
                  [attr.aria-busy]="submission.pending()"
                  (click)="dialog.showModal()"
                >
                  {{ submission.pending() ? 'Cancelling …' : 'Cancel order' }}
                </button>
              }
            </div>
          </div>
          <aside class="aside panel stack" aria-labelledby="summary">
            <h2 id="summary">Order summary</h2>
            <shop-order-items
              [items]="order.items"
              [shipping]="order.shipping"
              [total]="order.total"
              [tax]="order.tax"
            />
            <dl class="facts">
              <div>
                <dt>Delivery address</dt>
                <dd><shop-address [address]="order.shippingAddress" /></dd>
              </div>
              @if (order.parcel; as parcel) {
                <div>
                  <dt>Parcel</dt>
                  <dd>
                    {{ parcel.carrier }}<br /><span class="order-number">{{ parcel.trackingNumber }}</span>
                  </dd>
                </div>
              }
              @if (order.paymentMethod; as method) {
                <div>
                  <dt>Payment</dt>
                  <dd>{{ method === 'COD' ? 'Cash on delivery' : 'Card' }}</dd>
                </div>
              }
            </dl>
            <a [routerLink]="['/orders', order.orderId, 'receipt']">Receipt, to print</a>
          </aside>
        </div>
      } @else {
        <div class="with-aside" aria-busy="true"><shop-skeleton height="22rem" /><shop-skeleton height="22rem" /></div>
      }
      <dialog #dialog class="dialog" aria-labelledby="cancel-title" closedby="any">
        <div class="stack">
          <h2 id="cancel-title">Cancel this order?</h2>
          <p>{{ consequence() }}</p>
          <div class="actions">
            <button type="button" class="button button-danger" (click)="dialog.close(); cancel()">
              Yes, cancel order
            </button>
            <button type="button" class="button button-quiet" autofocus (click)="dialog.close()">Keep order</button>
          </div>
        </div>
      </dialog>
    }
  `,
})
export default class OrderPage {
  readonly orderId = input.required<string>();

  protected readonly follower = inject(OrderFollower);
  private readonly api = inject(Api);
  private readonly heading = viewChild<ElementRef<HTMLElement>>('heading');

  protected readonly submission = new Submission();

  protected readonly steps = computed(() => {
    const order = this.follower.order();
    return order ? storyOf(order, this.follower.payment()) : [];
  });

  /** For those who listen: the step that has just come. */
  protected readonly latest = computed(() => {
    const last = this.steps().at(-1);
    return last ? `${last.title}. ${last.text}` : '';
  });

  /** False after a checkout whose answer was lost, and which was changed and sent again. */
  protected readonly asEntered = (history.state as { asEntered?: boolean } | null)?.asEntered !== false;

  protected readonly ended = computed(() => ['CANCELLED', 'REJECTED'].includes(this.follower.order()?.status ?? ''));

  protected readonly cancellable = computed(() => this.follower.order()?.cancellable ?? false);

  protected readonly consequence = computed(() => {
    const order = this.follower.order();
    if (order?.status === 'CONFIRMED') {
      const money = order.paymentMethod === 'CARD' ? 'we refund the full amount to your card' : 'you pay nothing';
      return `If your parcel has not left yet, ${money}. If it has, you can send it back once it has arrived.`;
    }
    if (order?.status === 'RESERVED' && this.follower.paying()) {
      return 'If your card is charged in the meantime, we will refund the full amount.';
    }
    return 'You have not been charged, so there is nothing to refund.';
  });

  constructor() {
    effect(() => {
      const orderId = this.orderId();
      untracked(() => this.follower.follow(orderId));
    });
  }

  protected async cancel(): Promise<void> {
    const orderId = this.orderId();
    const cancelled = await this.submission.run(async () => {
      this.follower.accept(await this.api.invoke(cancelOrder, { orderId }));
    });
    // The button that had the focus is gone; what comes of it stands in the story.
    if (cancelled) this.heading()?.nativeElement.focus();
    else this.follower.refresh();
  }
}

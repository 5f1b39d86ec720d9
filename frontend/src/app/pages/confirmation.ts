import '../../styles/later';
import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Heading } from '../core/headings';
import { OrderFollower } from '../core/order-follower';
import { endOf } from '../core/order-story';
import { Poller } from '../core/poller';
import { Session } from '../core/session';
import { Titles } from '../core/titles';
import { Address } from '../ui/address';
import { Following } from '../ui/following';
import { Icon } from '../ui/icon';
import { MoneyPipe } from '../ui/money.pipe';
import { OrderAgain } from '../ui/order-again';
import { OrderItems } from '../ui/order-items';
import { OrderNumberPipe } from '../ui/order-number.pipe';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';
import NotFoundPage from './not-found';

@Component({
  selector: 'shop-confirmation',
  imports: [
    Address,
    Following,
    Heading,
    Icon,
    MoneyPipe,
    NotFoundPage,
    OrderAgain,
    OrderItems,
    OrderNumberPipe,
    Problem,
    RouterLink,
    Skeleton,
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
      <header class="outcome" [class]="'outcome-' + stage()">
        <span class="outcome-mark"
          ><shop-icon [name]="stage() === 'done' ? 'check' : stage() === 'over' ? 'alert' : 'clock'"
        /></span>
        <div role="status">
          <h1 shopHeading>{{ headline() }}</h1>
          <p class="lead">{{ text() }}</p>
        </div>
      </header>
      <shop-following [follower]="follower" />
      @if (follower.order(); as order) {
        <div class="with-aside">
          <div class="column">
            <dl class="facts">
              <div>
                <dt>Order number</dt>
                <dd class="order-number">{{ order.orderId | orderNumber }}</dd>
              </div>
              <div>
                <dt>Delivery address</dt>
                <dd><shop-address [address]="order.shippingAddress" /></dd>
              </div>
            </dl>
            @if (stage() === 'done') {
              <section aria-labelledby="next">
                <h2 id="next">What happens next</h2>
                <ol class="next">
                  <li>
                    <shop-icon name="mail" />
                    <p>
                      We are sending a confirmation to <strong>{{ session.user()?.email }}</strong>.
                    </p>
                  </li>
                  <li>
                    <shop-icon name="box" />
                    <p>
                      We pack your items and send them to {{ order.shippingAddress.city }}. Until your parcel has left,
                      you can still cancel.
                    </p>
                  </li>
                  <li>
                    <shop-icon name="wallet" />
                    @if (order.paymentMethod === 'COD') {
                      <p>
                        You pay <strong>{{ order.total | money }}</strong> in cash when it arrives.
                      </p>
                    } @else {
                      <p>
                        We charged <strong>{{ order.total | money }}</strong> to your card. There is nothing left to
                        pay.
                      </p>
                    }
                  </li>
                </ol>
              </section>
            }
            <div class="actions">
              @if (stage() === 'over') {
                <shop-order-again [items]="order.items" [ended]="true" />
                <a class="button button-quiet" [routerLink]="['/orders', order.orderId]">View order</a>
              } @else {
                <a class="button" [routerLink]="['/orders', order.orderId]">View order</a>
                <a class="button button-quiet" routerLink="/products">Keep shopping</a>
              }
            </div>
          </div>
          <aside class="aside panel stack" aria-labelledby="summary">
            <h2 id="summary">Your order</h2>
            <shop-order-items
              [items]="order.items"
              [shipping]="order.shipping"
              [total]="order.total"
              [tax]="order.tax"
            />
          </aside>
        </div>
      } @else {
        <div class="with-aside" aria-busy="true"><shop-skeleton height="18rem" /><shop-skeleton height="18rem" /></div>
      }
    }
  `,
})
export default class ConfirmationPage {
  readonly orderId = input.required<string>();

  protected readonly follower = inject(OrderFollower);
  protected readonly session = inject(Session);
  private readonly router = inject(Router);

  protected readonly stage = computed(() => {
    const order = this.follower.order();
    if (order?.status === 'CONFIRMED') return 'done';
    return order && endOf(order) ? 'over' : 'waiting';
  });

  private readonly end = computed(() => {
    const order = this.follower.order();
    return order && endOf(order);
  });

  protected readonly headline = computed(() => {
    if (this.stage() === 'done') return 'Thank you, your order is confirmed';
    return this.end()?.title ?? 'One moment, we are confirming your order';
  });

  protected readonly text = computed(() => {
    const order = this.follower.order();
    if (this.stage() === 'done') return 'We have everything you ordered.';
    if (this.end()) return this.end()!.text;
    if (!order) return 'Loading your order.';
    return order.status === 'PENDING' ? 'We are setting your items aside.' : 'We are processing your payment.';
  });

  constructor() {
    const titles = inject(Titles);
    effect(() => {
      const orderId = this.orderId();
      untracked(() => this.follower.follow(orderId));
    });
    effect(() => titles.set(this.headline()));
    // The order is past this page.
    effect(() => {
      const { status } = this.follower.order() ?? {};
      if (status !== 'CANCELLING' && status !== 'SHIPPED' && status !== 'DELIVERED') return;
      untracked(() => void this.router.navigate(['/orders', this.orderId()], { replaceUrl: true }));
    });
    // Nobody has said yet how to pay.
    effect(() => {
      if (this.follower.order()?.status !== 'RESERVED' || !this.follower.payment() || this.follower.paying()) return;
      untracked(() => void this.router.navigate(['/orders', this.orderId(), 'pay'], { replaceUrl: true }));
    });
  }
}

import { Component, DestroyRef, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { CartStore } from '../core/cart';
import { Heading } from '../core/headings';
import { Session } from '../core/session';
import { CartLines } from '../ui/cart-lines';
import { Icon } from '../ui/icon';
import { MoneyPipe } from '../ui/money.pipe';
import { PriceChanges } from '../ui/price-changes';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';

@Component({
  selector: 'shop-cart',
  imports: [CartLines, Heading, Icon, MoneyPipe, PriceChanges, Problem, RouterLink, Skeleton],
  host: { class: 'wrap stack' },
  template: `
    <h1 shopHeading>Your cart</h1>
    @if (cart.problem(); as problem) {
      <shop-problem [error]="problem" (retry)="cart.load()" />
    }
    @if (cart.ready() && cart.count() === 0) {
      <div class="blank">
        <p>There is nothing in it yet. Have a look around: what you put in stays here, also before you log in.</p>
        <div class="actions">
          <a class="button" routerLink="/products">See what we have</a>
          @if (!session.signedIn()) {
            <a class="button button-quiet" routerLink="/login" [queryParams]="{ next: '/cart' }">Log in</a>
          }
        </div>
      </div>
    } @else if (cart.ready()) {
      <shop-price-changes />
      <div class="with-aside">
        <section aria-label="In the cart"><shop-cart-lines /></section>
        <aside class="aside panel stack" aria-labelledby="cart-summary">
          <h2 id="cart-summary">Summary</h2>
          <dl class="sums">
            <div>
              <dt>{{ cart.count() === 1 ? '1 piece' : cart.count() + ' pieces' }}</dt>
              <dd>
                @if (cart.total(); as total) {
                  {{ total | money }}
                }
              </dd>
            </div>
            <div>
              <dt>Delivery</dt>
              <dd>Free</dd>
            </div>
            <div class="total" aria-live="polite" aria-atomic="true">
              <dt>Total</dt>
              <dd>
                @if (cart.total(); as total) {
                  <strong>{{ total | money }}</strong>
                }
              </dd>
            </div>
          </dl>
          @if (hindrance(); as hindrance) {
            <p class="line-problem" id="cart-hindrance">{{ hindrance }}</p>
          } @else {
            <a class="button" routerLink="/checkout">Check out</a>
          }
          @if (!session.signedIn() && !session.restoring()) {
            <p class="hint">You log in or register on the way. Your cart comes along.</p>
          }
          <ul class="assurances">
            <li><shop-icon name="box" />Held for you while you pay</li>
            <li><shop-icon name="wallet" />By card, or in cash at your door</li>
            <li><shop-icon name="return" />Cancel at any time, and get it all back</li>
          </ul>
        </aside>
      </div>
    } @else if (!cart.problem()) {
      <div class="with-aside" aria-busy="true">
        <div class="stack"><shop-skeleton height="6.5rem" /><shop-skeleton height="6.5rem" /></div>
        <shop-skeleton height="16rem" />
      </div>
    }
  `,
})
export default class CartPage {
  protected readonly cart = inject(CartStore);
  protected readonly session = inject(Session);

  /** What has to be mended in the cart before it can be ordered. */
  protected readonly hindrance = computed(() => {
    const lines = this.cart.lines();
    if (lines.some((line) => line.discontinued)) return 'Something in your cart is no longer sold. Please remove it.';
    if (lines.some((line) => line.available < line.quantity)) {
      return 'There are fewer left of something than you want. Please take fewer, or remove it.';
    }
    return null;
  });

  constructor() {
    void this.cart.load();
    // Stock and prices of an hour ago are none: whoever comes back to this tab sees those of now.
    const look = () => {
      if (document.visibilityState === 'visible') void this.cart.load();
    };
    document.addEventListener('visibilitychange', look);
    inject(DestroyRef).onDestroy(() => document.removeEventListener('visibilitychange', look));
  }
}

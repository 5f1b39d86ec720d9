import '../../styles/later';
import { Component, DestroyRef, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { CartStore } from '../core/cart';
import { CheckoutAttempt } from '../core/checkout-attempt';
import { countryOf, nameOf } from '../core/countries';
import { Heading } from '../core/headings';
import { Session } from '../core/session';
import { ShippingQuotes } from '../core/shipping';
import { BlankImage } from '../ui/blank-image';
import { CartLines } from '../ui/cart-lines';
import { Icon } from '../ui/icon';
import { PriceChanges } from '../ui/price-changes';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';
import { Sums } from '../ui/sums';
import { WayOn } from '../ui/way-on';

@Component({
  selector: 'shop-cart',
  imports: [BlankImage, CartLines, Heading, Icon, PriceChanges, Problem, RouterLink, Skeleton, Sums, WayOn],
  host: { class: 'wrap stack' },
  template: `
    <h1 shopHeading>Your cart</h1>
    @if (cart.problem(); as problem) {
      <shop-problem [error]="problem" (retry)="cart.load()" />
    }
    @if (cart.ready() && cart.count() === 0) {
      <div class="blank">
        <shop-blank-image icon="bag" />
        <p>Your cart is empty. Have a look around: whatever you add stays here, even before you log in.</p>
        <div class="actions">
          <a class="button" routerLink="/products">Start shopping</a>
          @if (session.signedIn()) {
            <a class="button button-quiet" routerLink="/orders">Your orders</a>
          } @else {
            <a class="button button-quiet" routerLink="/login" [queryParams]="{ next: '/cart' }">Log in</a>
          }
        </div>
        <shop-way-on />
      </div>
    } @else if (cart.ready()) {
      <shop-price-changes />
      <div class="with-aside">
        <section aria-label="In the cart"><shop-cart-lines /></section>
        <aside class="aside panel stack" aria-labelledby="cart-summary">
          <h2 id="cart-summary">Order summary</h2>
          <shop-sums
            [label]="cart.count() === 1 ? '1 item' : cart.count() + ' items'"
            [subtotal]="cart.total()"
            [shipping]="quotes.cheapest()"
            [total]="quotes.cheapest()?.total ?? null"
            [tax]="quotes.cheapest()?.tax ?? null"
            [destination]="country()"
            [unknown]="quotes.options() ? 'Not available' : quotes.problem() ? 'Shown at checkout' : 'Calculating …'"
          />
          @if (cart.hindrance(); as hindrance) {
            <p class="line-problem" id="cart-hindrance">{{ hindrance }}</p>
          } @else {
            <a class="button" routerLink="/checkout">Check out</a>
          }
          @if (!session.signedIn() && !session.restoring()) {
            <p class="hint">You can log in or create an account on the way. We keep your cart.</p>
          }
          <ul class="assurances">
            <li><shop-icon name="box" />We hold your items while you pay</li>
            <li><shop-icon name="wallet" />{{ cash() ? 'Pay by card, or in cash on delivery' : 'Pay by card' }}</li>
            <li><shop-icon name="return" />Cancel until it is sent, for a full refund</li>
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
  private readonly attempt = inject(CheckoutAttempt);

  /** To where the shopper has begun to order to, else to where they probably are. */
  protected readonly quotes = new ShippingQuotes(
    null,
    () => (this.session.signedIn() ? this.attempt.entered.address?.country : null) ?? countryOf(),
    this.cart.total,
  );
  protected readonly country = computed(() => nameOf(this.quotes.country()));
  /** Whether couriers collect cash there, as far as is known. */
  protected readonly cash = computed(() => this.quotes.destination()?.cashUpTo !== null);

  constructor() {
    void this.cart.load();
    // Stock, prices and rates of an hour ago are none: whoever comes back to this tab sees those of now.
    const look = () => {
      if (document.visibilityState !== 'visible') return;
      void this.cart.load();
      this.quotes.reload();
    };
    document.addEventListener('visibilitychange', look);
    inject(DestroyRef).onDestroy(() => document.removeEventListener('visibilitychange', look));
  }
}

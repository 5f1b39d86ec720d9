import { Component, computed, effect, inject, signal, untracked, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { OrderItem } from '../api/models';
import { CartStore } from '../core/cart';
import { CheckoutAttempt, Placed } from '../core/checkout-attempt';
import { countries, countryOf } from '../core/countries';
import { Heading } from '../core/headings';
import { ApiError, apiError } from '../core/problem';
import { onRecovery } from '../core/recovery';
import { Session } from '../core/session';
import { Form, Submission } from '../core/submission';
import { BlankImage } from '../ui/blank-image';
import { Field } from '../ui/field';
import { FormMessage } from '../ui/form-message';
import { Icon } from '../ui/icon';
import { OrderItems } from '../ui/order-items';
import { PaymentMethod } from '../ui/payment-method';
import { PriceChanges } from '../ui/price-changes';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';

/** Fields of the form, by the API's names for them. */
const FIELDS = ['name', 'line1', 'line2', 'city', 'postalCode', 'country'].map((each) => `shippingAddress.${each}`);

/** What the shop may have against a cart; what it says of each line shows after the cart has been read again. */
const OF_THE_CART = ['price-changed', 'insufficient-stock', 'product-unavailable', 'cart-changed', 'cart-empty'];

@Component({
  selector: 'shop-checkout',
  imports: [
    BlankImage,
    Field,
    Form,
    FormMessage,
    Heading,
    Icon,
    OrderItems,
    PaymentMethod,
    PriceChanges,
    Problem,
    RouterLink,
    Skeleton,
  ],
  host: { class: 'wrap stack' },
  template: `
    <h1 shopHeading>Checkout</h1>
    @if (failure(); as failure) {
      <shop-problem [error]="failure" (retry)="open()" />
    } @else if (!opened()) {
      <div class="with-aside" aria-busy="true"><shop-skeleton height="30rem" /><shop-skeleton height="20rem" /></div>
    } @else if (!cart.lines().length && !submission.pending()) {
      <div class="blank">
        <shop-blank-image icon="bag" />
        <p>Your cart is empty. If you have just placed an order, you can find it in your orders.</p>
        <div class="actions">
          <a class="button" routerLink="/products">Start shopping</a>
          <a class="button button-quiet" routerLink="/orders">Your orders</a>
        </div>
      </div>
    } @else {
      <form class="with-aside" [shopForm]="submission" (send)="place()">
        <div class="checkout-steps">
          <section class="stack" aria-labelledby="contact">
            <h2 id="contact">Contact</h2>
            <p>
              We will send updates about this order to <strong>{{ session.user()?.email }}</strong>.
            </p>
          </section>
          <section class="stack" aria-labelledby="address">
            <h2 id="address">Delivery address</h2>
            <div class="fields">
              <shop-field
                class="fields-wide"
                label="Full name"
                name="name"
                autocomplete="shipping name"
                [(value)]="name"
                [maxlength]="100"
                [error]="submission.error('shippingAddress.name')"
              />
              <shop-field
                class="fields-wide"
                label="Street and number"
                name="line1"
                autocomplete="shipping address-line1"
                [(value)]="line1"
                [maxlength]="200"
                [error]="submission.error('shippingAddress.line1')"
              />
              <shop-field
                class="fields-wide"
                label="Apartment, floor, company (optional)"
                name="line2"
                autocomplete="shipping address-line2"
                [optional]="true"
                [(value)]="line2"
                [maxlength]="200"
                [error]="submission.error('shippingAddress.line2')"
              />
              <shop-field
                label="Postal code"
                name="postalCode"
                autocomplete="shipping postal-code"
                [(value)]="postalCode"
                [maxlength]="20"
                [error]="submission.error('shippingAddress.postalCode')"
              />
              <shop-field
                label="City"
                name="city"
                autocomplete="shipping address-level2"
                [(value)]="city"
                [maxlength]="100"
                [error]="submission.error('shippingAddress.city')"
              />
              <div class="field fields-wide">
                <label for="country">Country</label>
                <select
                  #selected
                  id="country"
                  class="select"
                  name="country"
                  autocomplete="shipping country"
                  [attr.aria-invalid]="submission.error('shippingAddress.country') !== null"
                  [attr.aria-describedby]="submission.error('shippingAddress.country') ? 'country-error' : null"
                  (change)="country.set(selected.value)"
                >
                  @for (each of countries; track each.code) {
                    <option [value]="each.code" [selected]="each.code === country()">{{ each.name }}</option>
                  }
                </select>
                @if (submission.error('shippingAddress.country'); as problem) {
                  <p class="field-error" id="country-error">{{ problem }}</p>
                }
              </div>
            </div>
          </section>
          <shop-payment-method [(method)]="method" cardHint="You pay on the next page, while we hold your items." />
        </div>
        <aside class="aside panel stack" aria-labelledby="review">
          <div class="aside-head">
            <h2 id="review">Your order</h2>
            <a routerLink="/cart">Edit<span class="visually-hidden"> the cart</span></a>
          </div>
          @if (cart.total(); as total) {
            <shop-order-items [items]="items()" [total]="total" />
          }
          <shop-price-changes />
          @if (shortage(); as shortage) {
            <div class="notice notice-problem" role="alert" tabindex="-1">
              <shop-icon name="alert" />
              <p>{{ shortage }}</p>
            </div>
            <a class="button" routerLink="/cart">Edit your cart</a>
          } @else {
            <shop-form-message [message]="message()" />
            <button type="submit" class="button" [attr.aria-busy]="submission.pending()">
              @if (submission.pending()) {
                Placing your order …
              } @else if (method() === 'COD') {
                Place order
              } @else {
                Place order and pay
              }
            </button>
          }
          <p class="hint">
            Changed your mind? You can cancel for a full refund until your parcel leaves, and send it back after that.
          </p>
        </aside>
      </form>
    }
  `,
})
export default class CheckoutPage {
  protected readonly cart = inject(CartStore);
  protected readonly session = inject(Session);
  private readonly attempt = inject(CheckoutAttempt);
  private readonly router = inject(Router);

  protected readonly countries = countries();
  protected readonly submission = new Submission(FIELDS);
  /** The cart is there, and no order of before a reload. */
  protected readonly opened = signal(false);
  /** Why that is not known. */
  protected readonly failure = signal<ApiError | null>(null);

  private readonly entered = this.attempt.entered;
  protected readonly name = signal(this.entered.address?.name ?? this.session.user()?.name ?? '');
  protected readonly line1 = signal(this.entered.address?.line1 ?? '');
  protected readonly line2 = signal(this.entered.address?.line2 ?? '');
  protected readonly city = signal(this.entered.address?.city ?? '');
  protected readonly postalCode = signal(this.entered.address?.postalCode ?? '');
  protected readonly country = signal(this.entered.address?.country ?? countryOf());
  protected readonly method = signal(this.entered.method);

  private readonly address = computed(() => ({
    name: this.name().trim(),
    line1: this.line1().trim(),
    line2: this.line2().trim() || null,
    city: this.city().trim(),
    postalCode: this.postalCode().trim(),
    country: this.country(),
  }));

  /** Version of the cart that the shop would not take. */
  private readonly refused = signal<number | null>(null);
  private readonly priceNotice = viewChild(PriceChanges);

  protected readonly items = computed<readonly OrderItem[]>(() => this.cart.lines());
  /** What cannot be had as it stands in the cart. */
  protected readonly shortage = computed(() => {
    const short = this.cart.lines().filter((line) => line.discontinued || line.available < line.quantity);
    const said = short.map(({ name, available, discontinued }) => {
      if (discontinued) return `${name} is no longer available.`;
      return available ? `Only ${available} left of ${name}.` : `${name} is sold out.`;
    });
    return said.join(' ') || null;
  });
  /** What the shop said, where neither a field nor a changed price says it. */
  protected readonly message = computed(() => {
    const problem = this.submission.problem();
    if (!problem || (problem.type === 'price-changed' && this.cart.priceChanges().length)) return null;
    // What the shop had against the cart is settled once the cart is another one.
    if (OF_THE_CART.includes(problem.type) && this.cart.version() !== this.refused()) return null;
    if (problem.mayPass) return `${problem.message} You can safely try again: we will not place the order twice.`;
    return this.submission.message;
  });

  constructor() {
    effect(() => {
      const [address, method] = [this.address(), this.method()];
      untracked(() => {
        // What an order has come of is not kept any longer.
        if (!this.submission.pending()) this.attempt.keep(address, method);
      });
    });
    onRecovery(
      () => this.failure() !== null,
      () => void this.open(),
    );
    void this.open();
  }

  protected async open(): Promise<void> {
    this.failure.set(null);
    await this.cart.load();
    const version = this.cart.version();
    if (version === null) {
      this.failure.set(this.cart.problem());
      return;
    }
    try {
      const placed = await this.attempt.recover(version);
      if (placed) await this.show(placed);
      // Nothing to check out: an order was placed, and Back leads here.
      else if (!this.cart.lines().length) await this.router.navigate(['/cart'], { replaceUrl: true });
      else this.opened.set(true);
    } catch (error) {
      this.failure.set(apiError(error));
    }
  }

  protected async place(): Promise<void> {
    const cartVersion = this.cart.version();
    if (cartVersion === null || this.shortage()) return;
    if (this.cart.priceChanges().length) {
      this.priceNotice()?.focus();
      return;
    }
    const placed = await this.submission.run(async () => {
      const paymentMethod = this.method() === 'COD' ? 'COD' : null;
      await this.show(await this.attempt.place({ shippingAddress: this.address(), cartVersion, paymentMethod }));
    });
    if (placed || !OF_THE_CART.includes(this.submission.problem()?.type ?? '')) return;
    await this.cart.load();
    this.refused.set(this.cart.version());
    if (this.cart.priceChanges().length) setTimeout(() => this.priceNotice()?.focus());
  }

  /** The order takes this page's place, so that Back does not lead to a checkout of what is ordered already. */
  private async show({ orderId, method, asEntered }: Placed): Promise<void> {
    const page = method === 'COD' ? 'confirmation' : 'pay';
    // Its own page says what stands, and takes it back.
    const commands = asEntered ? ['/orders', orderId, page] : ['/orders', orderId];
    await this.router.navigate(commands, { replaceUrl: true, state: { asEntered } });
    void this.cart.load();
  }
}

import '../../styles/later';
import { Component, computed, effect, inject, signal, untracked, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Checkout, KeptAddress, OrderItem, ShippingAddress } from '../api/models';
import { AddressBook } from '../core/address-book';
import { ADDRESS_FIELDS, AddressDraft, isSameAddress } from '../core/address-draft';
import { CartStore } from '../core/cart';
import { CheckoutAttempt, Placed } from '../core/checkout-attempt';
import { countryOf, nameOf } from '../core/countries';
import { Heading } from '../core/headings';
import { ApiError, apiError } from '../core/problem';
import { onRecovery } from '../core/recovery';
import { Session } from '../core/session';
import { ShippingQuotes } from '../core/shipping';
import { Form, Submission } from '../core/submission';
import { Toasts } from '../core/toasts';
import { AddressChoice } from '../ui/address-choice';
import { AddressForm } from '../ui/address-form';
import { BlankImage } from '../ui/blank-image';
import { DeliveryOptions } from '../ui/delivery-options';
import { FormMessage } from '../ui/form-message';
import { Icon } from '../ui/icon';
import { OrderItems } from '../ui/order-items';
import { PaymentMethod } from '../ui/payment-method';
import { PriceChanges } from '../ui/price-changes';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';
import { ChangedTotal, TotalChange } from '../ui/total-change';

/** Fields of the form, by the API's names for them. */
const FIELDS = [...ADDRESS_FIELDS, 'shippingMethod'];

/** What the shop may have against where and how an order is sent: the rates have changed since they were shown. */
const OF_THE_RATES = ['total-changed', 'not-shipped-to', 'shipping-method-not-offered', 'cod-refused'];

/** What the shop may have against a cart; what it says of each line shows after the cart has been read again. */
const OF_THE_CART = ['price-changed', 'insufficient-stock', 'product-unavailable', 'cart-changed', 'cart-empty'];

@Component({
  selector: 'shop-checkout',
  imports: [
    AddressChoice,
    AddressForm,
    BlankImage,
    DeliveryOptions,
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
    TotalChange,
  ],
  host: { class: 'wrap stack' },
  template: `
    <h1 shopHeading>Checkout</h1>
    @if (failure(); as failure) {
      <shop-problem [error]="failure" (retry)="open()" />
    } @else if (!opened() || book.loading()) {
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
            @if (kept().length) {
              <shop-address-choice [addresses]="kept()" [(chosen)]="chosen" />
            }
            @if (chosen() === null || addressRefused()) {
              <shop-address-form
                [draft]="draft"
                [submission]="submission"
                [inCash]="method() === 'COD'"
                (moved)="changedTotal.set(null)"
              />
              <label class="check">
                <input #keeps type="checkbox" [checked]="keep()" (change)="keep.set(keeps.checked)" />
                Keep this address for next time
              </label>
            }
          </section>
          @if (quotes.problem(); as problem) {
            <shop-problem [error]="problem" (retry)="quotes.reload()" />
          } @else if (quotes.options(); as options) {
            @if (options.length) {
              <shop-delivery-options
                [options]="options"
                [chosen]="option()?.methodId ?? null"
                [error]="submission.error('shippingMethod')"
                (choose)="chooseDelivery($event)"
              />
            } @else {
              <p class="notice notice-caution" role="status">
                Sorry, we do not ship to {{ nameOf(quotes.country()) }}. Please choose another country.
              </p>
            }
          } @else {
            <div class="stack" aria-busy="true">
              <h2>Delivery</h2>
              <p class="visually-hidden" role="status">Calculating delivery</p>
              <shop-skeleton height="4rem" />
            </div>
          }
          <shop-payment-method
            [(method)]="method"
            [cashRefusal]="cashRefusal()"
            [cashUpTo]="quotes.destination()?.cashUpTo ?? null"
            cardHint="You pay on the next page, while we hold your items."
          />
        </div>
        <aside class="aside panel stack" aria-labelledby="review">
          <div class="aside-head">
            <h2 id="review">Your order</h2>
            <a routerLink="/cart">Edit<span class="visually-hidden"> the cart</span></a>
          </div>
          <shop-order-items
            [items]="items()"
            [shipping]="option()"
            [total]="option()?.total ?? null"
            [tax]="option()?.tax ?? null"
            [unknown]="quotes.options() ? 'Not available' : 'Calculating …'"
          />
          <shop-price-changes />
          <shop-total-change [change]="changedTotal()" (accept)="acceptTotal()" />
          @if (shortage(); as shortage) {
            <div class="notice notice-problem" role="alert" tabindex="-1">
              <shop-icon name="alert" />
              <p>{{ shortage }}</p>
            </div>
            <a class="button" routerLink="/cart">Edit your cart</a>
          } @else {
            <shop-form-message [message]="message()" />
            <button
              type="submit"
              class="button"
              [disabled]="!option() && !submission.pending()"
              [attr.aria-busy]="submission.pending()"
            >
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
            Changed your mind? You can cancel for a full refund until your parcel leaves, and send it back after that:
            see
            <a routerLink="/shipping">shipping and returns</a>. Your order is under our
            <a routerLink="/terms">terms of sale</a>, and we keep your data as
            <a routerLink="/privacy">privacy</a> says. We sell and send it ourselves:
            <a routerLink="/imprint">who we are</a>.
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
  private readonly toasts = inject(Toasts);

  protected readonly submission = new Submission(FIELDS);
  /** The cart is there, and no order of before a reload. */
  protected readonly opened = signal(false);
  /** Why that is not known. */
  protected readonly failure = signal<ApiError | null>(null);

  private readonly entered = this.attempt.entered;
  protected readonly method = signal(this.entered.method);
  /** Id of the way in which the shopper wants it sent; null until they say. */
  private readonly delivery = signal(this.entered.delivery);

  protected readonly quotes = new ShippingQuotes(
    this.entered.address?.country ?? null,
    () => countryOf(),
    this.cart.total,
  );
  protected readonly draft = new AddressDraft(this.quotes, this.entered.address, this.session.user()?.name ?? '');

  protected readonly book = new AddressBook();
  protected readonly kept = computed(() => this.book.addresses() ?? []);
  /** Id of the address that the account keeps and the order goes to; null where it goes to another one. */
  protected readonly chosen = signal<string | null>(null);
  /** Whether another address is to be kept. */
  protected readonly keep = signal(false);
  /** Whether something is wrong with the address, which then has to be seen. */
  protected readonly addressRefused = computed(() => ADDRESS_FIELDS.some((each) => this.submission.error(each)));

  /** The way in which it is sent; null while it is not known, and where there is none. */
  protected readonly option = computed(() => {
    const options = this.quotes.options() ?? [];
    return options.find(({ methodId }) => methodId === this.delivery()) ?? options[0] ?? null;
  });
  /** Why it cannot be paid in cash: what can be known before it is ordered. */
  protected readonly cashRefusal = computed(() => {
    const [destination, option] = [this.quotes.destination(), this.option()];
    if (!destination) return null;
    const { cashUpTo } = destination;
    if (!cashUpTo) return 'NOT_OFFERED_HERE';
    return option && option.total.amount > cashUpTo.amount ? 'TOO_EXPENSIVE' : null;
  });

  /** What the order costs now, where that is not what the shopper saw; null once they have taken it. */
  protected readonly changedTotal = signal<ChangedTotal | null>(null);
  private readonly totalNotice = viewChild(TotalChange);
  protected readonly nameOf = nameOf;

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
    if (problem.type === 'total-changed') return null;
    // What the shop had against the cart is settled once the cart is another one.
    if (OF_THE_CART.includes(problem.type) && this.cart.version() !== this.refused()) return null;
    if (problem.mayPass) return `${problem.message} You can safely try again: we will not place the order twice.`;
    return this.submission.message;
  });

  constructor() {
    effect(() => {
      const entered = { address: this.draft.address(), method: this.method() };
      const delivery = this.option()?.methodId ?? this.delivery();
      const opened = this.opened();
      untracked(() => {
        // What an order has come of is not kept any longer, nor what a shopper has entered who has logged out.
        if (opened && !this.submission.pending() && this.session.signedIn())
          this.attempt.keep({ ...entered, delivery });
      });
    });
    effect(() => {
      const kept = this.book.addresses();
      if (kept) untracked(() => this.begin(kept));
    });
    effect(() => {
      const chosen = this.kept().find(({ addressId }) => addressId === this.chosen());
      untracked(() => {
        const entered = this.draft.address();
        if (chosen ? isSameAddress(chosen.shippingAddress, entered) : !this.isKept(entered)) return;
        this.draft.fill(chosen?.shippingAddress ?? null);
        this.changedTotal.set(null);
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

  /** With the default address, unless another one was entered before a reload. */
  private begin(kept: readonly KeptAddress[]): void {
    const { address } = this.entered;
    const entered = address?.line1 ? address : null;
    const first = kept.find((each) => (entered ? isSameAddress(each.shippingAddress, entered) : each.isDefault));
    this.chosen.set(first?.addressId ?? null);
  }

  private isKept(address: ShippingAddress): boolean {
    return this.kept().some(({ shippingAddress }) => isSameAddress(shippingAddress, address));
  }

  protected chooseDelivery(methodId: string): void {
    this.changedTotal.set(null);
    this.delivery.set(methodId);
  }

  protected acceptTotal(): void {
    this.changedTotal.set(null);
    this.submission.problem.set(null);
  }

  protected async place(): Promise<void> {
    const cartVersion = this.cart.version();
    const option = this.option();
    if (cartVersion === null || !option || this.shortage()) return;
    if (this.cart.priceChanges().length) {
      this.priceNotice()?.focus();
      return;
    }
    if (this.changedTotal()) {
      this.totalNotice()?.focus();
      return;
    }
    this.draft.postalCodeLeft.set(false);
    const placed = await this.submission.run(async () => {
      const paymentMethod = this.method() === 'COD' ? 'COD' : null;
      const { methodId: shippingMethod, total } = option;
      const shippingAddress = this.draft.address();
      const order = { shippingAddress, shippingMethod, total, cartVersion, paymentMethod } satisfies Checkout;
      const result = await this.attempt.place(order);
      if (this.chosen() === null && this.keep() && result.asEntered) this.keepAddress(shippingAddress);
      await this.show(result);
    });
    if (placed) return;
    const problem = this.submission.problem();
    if (problem && OF_THE_RATES.includes(problem.type)) this.quotes.reload();
    if (problem?.type === 'total-changed') {
      this.changedTotal.set(problem.extra as unknown as ChangedTotal);
      setTimeout(() => this.totalNotice()?.focus());
    }
    if (!OF_THE_CART.includes(this.submission.problem()?.type ?? '')) return;
    await this.cart.load();
    this.refused.set(this.cart.version());
    if (this.cart.priceChanges().length) setTimeout(() => this.priceNotice()?.focus());
  }

  /** The order is placed, whatever comes of it. */
  private keepAddress(address: ShippingAddress): void {
    this.book
      .save(crypto.randomUUID(), address, false)
      .catch((error: unknown) => this.toasts.problem(`We could not keep your address. ${apiError(error).message}`));
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

import '../../styles/later';
import { Component, computed, effect, inject, input, signal, untracked, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../api/api';
import { answerChallenge } from '../api/fn/payments/answer-challenge';
import { pay } from '../api/fn/payments/pay';
import { PaymentRequest } from '../api/models';
import { TEST_CARDS, TestCard, grouped, tokenOf } from '../core/card-form';
import { Clock } from '../core/clock';
import { Heading } from '../core/headings';
import { OrderFollower } from '../core/order-follower';
import { endOf } from '../core/order-story';
import { PaymentMethods } from '../core/payment-methods';
import { Poller } from '../core/poller';
import { openStripe, orThrow } from '../core/stripe';
import { Form, Submission } from '../core/submission';
import { Countdown } from '../ui/countdown';
import { Field } from '../ui/field';
import { Following } from '../ui/following';
import { FormMessage } from '../ui/form-message';
import { Icon } from '../ui/icon';
import { MoneyPipe } from '../ui/money.pipe';
import { OrderAgain } from '../ui/order-again';
import { OrderItems } from '../ui/order-items';
import { OrderNumberPipe } from '../ui/order-number.pipe';
import { PaymentMethod } from '../ui/payment-method';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';
import { StripeCard } from '../ui/stripe-card';
import { TakeFocus } from '../ui/take-focus';
import NotFoundPage from './not-found';

@Component({
  selector: 'shop-payment',
  imports: [
    Countdown,
    Field,
    Following,
    Form,
    FormMessage,
    Heading,
    Icon,
    MoneyPipe,
    NotFoundPage,
    OrderAgain,
    OrderItems,
    OrderNumberPipe,
    PaymentMethod,
    Problem,
    RouterLink,
    Skeleton,
    StripeCard,
    TakeFocus,
  ],
  providers: [OrderFollower, Poller],
  host: { class: 'wrap stack' },
  template: `
    @if (follower.problem(); as problem) {
      @if (problem.status === 404) {
        <shop-not-found />
      } @else {
        <h1 shopHeading>Payment</h1>
        <shop-problem [error]="problem" (retry)="follower.refresh()" />
      }
    } @else {
      <h1 shopHeading>Payment</h1>
      <shop-following [follower]="follower" />
      @if (follower.order(); as order) {
        <div class="with-aside">
          <div class="column">
            <div role="status">
              @if (stage() === 'holding') {
                <div class="notice">
                  <shop-icon name="clock" />
                  <p><strong>We are setting your items aside.</strong> This takes just a moment, then you can pay.</p>
                </div>
              } @else if (stage() === 'paying') {
                <div class="notice" [shopTakeFocus]="acted()">
                  <shop-icon name="clock" />
                  @if (challenge()) {
                    <p>
                      <strong>Your bank has not answered yet.</strong> You can stay here or come back later.
                      @if (order.reservedUntil; as until) {
                        If it does not answer within
                        <shop-countdown [until]="until" (timeUp)="follower.refresh()" />
                        you are not charged.
                      }
                    </p>
                  } @else {
                    <p><strong>We are processing your payment.</strong> This takes just a moment.</p>
                  }
                </div>
              }
            </div>
            @if (stage() === 'challenged' && methods.offered()) {
              <section class="notice" aria-labelledby="bank" [shopTakeFocus]="acted()">
                <shop-icon name="clock" />
                <div class="notice-text stack">
                  <h2 id="bank">Confirm with your bank</h2>
                  <p>
                    Your bank wants you to confirm the payment of {{ order.total | money }}. You are not charged before
                    you do.
                    @if (order.reservedUntil; as until) {
                      We are holding your items for
                      <shop-countdown [until]="until" (timeUp)="follower.refresh()" />
                    }
                  </p>
                  @if (!methods.stripeKey()) {
                    <p class="hint">Test mode: these buttons stand for your bank's own page.</p>
                  }
                  <shop-form-message [message]="bank.message" />
                  <div class="actions">
                    <button
                      type="button"
                      class="button"
                      [attr.aria-busy]="bank.pending()"
                      (click)="answer(order.orderId, true)"
                    >
                      Confirm the payment
                    </button>
                    @if (!methods.stripeKey()) {
                      <button
                        type="button"
                        class="button button-quiet"
                        [attr.aria-busy]="bank.pending()"
                        (click)="answer(order.orderId, false)"
                      >
                        Refuse it
                      </button>
                    }
                  </div>
                </div>
              </section>
            }
            @if (stage() === 'over') {
              @if (end(); as end) {
                <section class="notice notice-problem" role="alert" [shopTakeFocus]="acted()">
                  <shop-icon name="alert" />
                  <div class="notice-text">
                    <h2>{{ end.title }}</h2>
                    <p>{{ end.text }}</p>
                  </div>
                </section>
              }
              <div class="actions">
                <shop-order-again [items]="order.items" [ended]="true" />
                <a class="button button-quiet" [routerLink]="['/orders', order.orderId]">View order</a>
              </div>
            }
            @if (stage() === 'open') {
              @if (order.reservedUntil; as until) {
                <div class="notice">
                  <shop-icon name="clock" />
                  <p>
                    We are holding your items for
                    <shop-countdown [until]="until" (timeUp)="follower.refresh()" />
                  </p>
                </div>
              }
              @if (declined(); as declined) {
                <div class="notice notice-problem" role="alert" [shopTakeFocus]="acted()">
                  <shop-icon name="alert" />
                  <p>
                    <strong>Your payment did not go through: {{ declined.reason }}.</strong> You were not charged.
                    {{
                      declined.left === 1
                        ? 'You have one attempt left'
                        : 'You have ' + declined.left + ' attempts left'
                    }}. Try another card{{ order.codRefusal === null ? ', or choose cash on delivery' : '' }}.
                  </p>
                </div>
              }
              <form class="column" [shopForm]="submission" (send)="send(order.orderId)">
                <shop-payment-method [(method)]="method" [cashRefusal]="order.codRefusal" />
                @if (byCard() && methods.stripeKey(); as key) {
                  <div class="fields"><shop-stripe-card [publishableKey]="key" /></div>
                } @else if (byCard()) {
                  <div class="fields">
                    <shop-field
                      class="fields-wide"
                      label="Card number"
                      name="number"
                      inputmode="numeric"
                      [value]="number()"
                      (valueChange)="number.set(grouped($event))"
                      [error]="submission.error('number')"
                      hint="Your card number never leaves your browser."
                    />
                    <shop-field
                      label="Expiry date"
                      name="expiry"
                      hint="MM/YY"
                      inputmode="numeric"
                      [(value)]="expiry"
                      [error]="submission.error('expiry')"
                    />
                    <shop-field
                      label="Security code"
                      name="cvc"
                      hint="3 digits"
                      inputmode="numeric"
                      [(value)]="cvc"
                      [error]="submission.error('cvc')"
                    />
                  </div>
                }
                <shop-form-message [message]="submission.message" />
                <button
                  type="submit"
                  class="button"
                  [disabled]="!methods.offered()"
                  [attr.aria-busy]="submission.pending()"
                >
                  @if (submission.pending()) {
                    Processing …
                  } @else if (method() === 'COD') {
                    Pay {{ order.total | money }} on delivery
                  } @else {
                    Pay {{ order.total | money }}
                  }
                </button>
                @if (byCard() && !methods.stripeKey()) {
                  <section class="test-cards" aria-labelledby="test-cards">
                    <h3 id="test-cards">Test mode: pay with a test card</h3>
                    <p class="hint">Use any future expiry date and any 3 digits. No real money is charged.</p>
                    <ul>
                      @for (card of testCards; track card.token) {
                        <li>
                          <button type="button" class="test-card" (click)="use(card)">
                            <span class="visually-hidden">Use </span><span class="test-number">{{ card.number }}</span>
                            <span class="hint">{{ card.effect }}</span>
                          </button>
                        </li>
                      }
                    </ul>
                  </section>
                }
              </form>
            }
          </div>
          <aside class="aside panel stack" aria-labelledby="summary">
            <div class="aside-head">
              <h2 id="summary">Your order</h2>
              <a [routerLink]="['/orders', order.orderId]">Details</a>
            </div>
            <p class="hint order-number">Order {{ order.orderId | orderNumber }}</p>
            <shop-order-items
              [items]="order.items"
              [shipping]="order.shipping"
              [total]="order.total"
              [tax]="order.tax"
            />
          </aside>
        </div>
      } @else {
        <div class="with-aside" aria-busy="true"><shop-skeleton height="26rem" /><shop-skeleton height="18rem" /></div>
      }
    }
  `,
})
export default class PaymentPage {
  readonly orderId = input.required<string>();

  protected readonly follower = inject(OrderFollower);
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly clock = inject(Clock);

  protected readonly testCards = TEST_CARDS;
  protected readonly grouped = grouped;
  protected readonly submission = new Submission(['number', 'expiry', 'cvc']);
  /** What the shopper's bank is answered. */
  protected readonly bank = new Submission([]);
  protected readonly method = signal<'CARD' | 'COD'>('CARD');
  protected readonly number = signal('');
  protected readonly expiry = signal('');
  protected readonly cvc = signal('');
  protected readonly methods = inject(PaymentMethods);
  /** The card form is this shop's, and wanted. */
  protected readonly byCard = computed(
    () => this.method() === 'CARD' && (this.methods.offered()?.includes('CARD') ?? false),
  );
  /** The shopper has paid on this page: what comes of it takes the focus. */
  protected readonly acted = signal(false);

  private readonly stripeCard = viewChild(StripeCard);

  protected readonly challenge = computed(() => this.follower.payment()?.challenge ?? null);
  /** The challenge that was answered on this page: what came of it is not known yet. */
  private readonly answered = signal<string | null>(null);

  protected readonly stage = computed(() => {
    const order = this.follower.order();
    switch (order?.status) {
      case 'PENDING':
        return 'holding';
      case 'RESERVED':
        if (this.challenge()) return this.challenge() === this.answered() ? 'paying' : 'challenged';
        return this.follower.paying() ? 'paying' : 'open';
      case 'CONFIRMED':
      case 'CANCELLING':
      case 'SHIPPED':
      case 'DELIVERED':
        return 'done';
      default:
        return 'over';
    }
  });

  protected readonly end = computed(() => {
    const order = this.follower.order();
    return order && endOf(order);
  });

  /** What became of the latest attempt, when it was declined. */
  protected readonly declined = computed(() => {
    const payment = this.follower.payment();
    if (payment?.status !== 'OPEN' || !payment.attempts || payment.declineReason === null) return null;
    return { reason: payment.declineReason, left: payment.maxAttempts - payment.attempts };
  });

  constructor() {
    void this.methods.load();
    effect(() => {
      const orderId = this.orderId();
      untracked(() => this.follower.follow(orderId));
    });
    // Paid: this page has nothing more to say, and Back shall not lead to it.
    effect(() => {
      if (this.stage() !== 'done') return;
      untracked(() => void this.router.navigate(['/orders', this.orderId(), 'confirmation'], { replaceUrl: true }));
    });
  }

  protected use(card: TestCard): void {
    this.number.set(card.number);
    this.expiry.set(`12/${(new Date(this.clock.now()).getFullYear() + 3) % 100}`);
    this.cvc.set('123');
    this.submission.problem.set(null);
  }

  protected async send(orderId: string): Promise<void> {
    this.acted.set(true);
    const sent = await this.submission.run(async () => {
      this.follower.accept(await this.api.invoke(pay, { orderId, body: await this.request() }));
    });
    if (sent) {
      // Whatever comes of it, the card is not needed any longer.
      this.number.set('');
      this.expiry.set('');
      this.cvc.set('');
    } else if (this.submission.problem()?.status === 409) {
      // Paid in another tab, cancelled, too late: this page is behind.
      this.follower.refresh();
    }
  }

  /** Ask the bank, in the frame that Stripe shows; or answer in its place, as the sandbox has none. */
  protected async answer(orderId: string, agreed: boolean): Promise<void> {
    const challenge = this.challenge();
    if (!challenge) return;
    this.acted.set(true);
    const key = this.methods.stripeKey();
    const sent = await this.bank.run(async () =>
      key
        ? orThrow(await (await openStripe(key)).handleNextAction({ clientSecret: challenge }))
        : this.api.invoke(answerChallenge, { orderId, body: { challenge, agreed } }),
    );
    if (sent) this.answered.set(challenge);
    // What comes of it arrives as an event; and where it was too late, this page is behind.
    this.follower.refresh();
  }

  /** @throws {ApiError} something is wrong with the card that was entered. */
  private async request(): Promise<PaymentRequest> {
    if (this.method() === 'COD') return { method: 'COD' };
    const stripe = this.stripeCard();
    if (stripe) return { method: 'CARD', cardToken: await stripe.token() };
    const card = { number: this.number(), expiry: this.expiry(), cvc: this.cvc() };
    return { method: 'CARD', cardToken: tokenOf(card, this.clock.now()) };
  }
}

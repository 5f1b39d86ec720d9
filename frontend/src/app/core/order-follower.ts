import { Injectable, computed, effect, inject, signal } from '@angular/core';
import { Api } from '../api/api';
import { getOrder } from '../api/fn/orders/get-order';
import { getPayment } from '../api/fn/payments/get-payment';
import { OrderView, PaymentView } from '../api/models';
import { awaits, isAboutMoney, isPaying } from './order-story';
import { Poller, Seen } from './poller';

/** For so long a payment is on its way before it is said that this takes longer, in milliseconds. */
export const USUAL = 30_000;

/** Follows one order, its returns and its payment for as long as anything is awaited. Provide it together with `Poller`. */
@Injectable()
export class OrderFollower {
  private readonly api = inject(Api);
  private readonly poller = inject(Poller);
  private orderId = '';

  readonly order = signal<OrderView | null>(null);
  /** Known while it matters: the goods are held, or money goes back. */
  readonly payment = signal<PaymentView | null>(null);
  /** The shop does not answer just now; it is asked again. */
  readonly unreachable = this.poller.unreachable;
  /** Why the order cannot be shown. */
  readonly problem = this.poller.problem;

  /** The shopper has said how to pay, and the answer is on its way. */
  readonly paying = computed(() => isPaying(this.order(), this.payment()));
  /** The answer has been on its way for longer than usual. */
  readonly payingLong = signal(false);

  constructor() {
    effect((onCleanup) => {
      this.payingLong.set(false);
      if (!this.paying()) return;
      const timer = setTimeout(() => this.payingLong.set(true), USUAL);
      onCleanup(() => clearTimeout(timer));
    });
  }

  follow(orderId: string): void {
    if (orderId === this.orderId) return;
    this.orderId = orderId;
    this.order.set(null);
    this.payment.set(null);
    this.poller.start(() => this.look(orderId));
  }

  /** What the shop answered to the shopper; what comes of it is looked for at once. */
  accept(answer: OrderView | PaymentView): void {
    if ('story' in answer) this.order.set(answer);
    else this.payment.set(answer);
    this.poller.hurry();
  }

  /** Look at once. */
  refresh(): void {
    this.poller.hurry();
  }

  private async look(orderId: string): Promise<Seen> {
    const order = await this.api.invoke(getOrder, { orderId });
    const payment = isAboutMoney(order) ? await this.api.invoke(getPayment, { orderId }) : null;
    if (orderId !== this.orderId) return 'nothing';
    const before = stamp(this.order(), this.payment());
    this.order.set(order);
    this.payment.set(payment);
    const awaited = awaits(order, payment);
    if (!awaited) return 'final';
    if (stamp(order, payment) !== before) return 'news';
    return awaited === 'a person' ? 'later' : 'nothing';
  }
}

function stamp(order: OrderView | null, payment: PaymentView | null): string {
  const refunds = payment?.refunds.map(({ refundId, status }) => `${refundId} ${status}`);
  return [order?.status, order?.story.length, payment?.status, payment?.method, payment?.attempts, refunds].join(' ');
}

import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { cancelForShop } from '../../api/fn/back-office/cancel-for-shop';
import { getShipment } from '../../api/fn/back-office/get-shipment';
import { getStaffOrder } from '../../api/fn/back-office/get-staff-order';
import { getStaffPayment } from '../../api/fn/back-office/get-staff-payment';
import { ShipmentView, StaffOrder, StaffPayment, StaffRefund } from '../../api/models';
import { orderNumber } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { ApiError } from '../../core/problem';
import { returnNumber } from '../../core/returns';
import { Session } from '../../core/session';
import { Submission } from '../../core/submission';
import { Titles } from '../../core/titles';
import { Ask } from '../../office/ask';
import { Live } from '../../office/live';
import { Work } from '../../office/work';
import { Address } from '../../ui/address';
import { Field } from '../../ui/field';
import { Icon } from '../../ui/icon';
import { MoneyPipe } from '../../ui/money.pipe';
import { OrderItems } from '../../ui/order-items';
import { OrderStatusTag } from '../../ui/order-status';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import NotFoundPage from '../not-found';
import { PaidBack } from './paid-back';
import { ParcelActions } from './parcel';
import { ReturnActions } from './return-actions';
import { linesOf } from './story';
import { DISPUTE, METHODS, PAYMENT, REFUND, RETURN, contentsOf, named, reasonOf, whoOf } from './words';

/** An order as all services know it: its parcel, its money, what comes back of it, and what can be done now. */
@Component({
  selector: 'shop-office-order',
  imports: [
    Address,
    Ask,
    Field,
    Heading,
    Icon,
    Live,
    MoneyPipe,
    NotFoundPage,
    OrderItems,
    OrderStatusTag,
    PaidBack,
    ParcelActions,
    ReturnActions,
    RouterLink,
    Skeleton,
    WhenPipe,
  ],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    @if (poller.problem()?.status === 404) {
      <shop-not-found />
    } @else {
      <header class="order-head">
        <a class="back" routerLink="/admin/orders"><shop-icon name="chevron" />Orders</a>
        <div class="toolbar">
          <h1 shopHeading>Order {{ number() }}</h1>
        </div>
        @if (order(); as order) {
          <p class="order-facts">
            <shop-order-status [status]="order.status" />
            @if (order.disputed) {
              <span class="tag tag-bad">Disputed</span>
            }
            <time [attr.datetime]="order.placedAt">{{ order.placedAt | when }}</time>
            <a routerLink="/admin/customers" [queryParams]="{ email: order.email }">{{ order.email }}</a>
          </p>
        }
      </header>
      <p class="visually-hidden" role="status">{{ latest() }}</p>
      <shop-live [poller]="poller" />
      @if (order(); as order) {
        <div class="with-aside">
          <div class="stack">
            @if (shipment(); as shipment) {
              <section class="panel stack" aria-labelledby="parcel">
                <h2 id="parcel">Parcel</h2>
                @if (shipment.disputed && shipment.status === 'TO_SHIP') {
                  <p class="notice notice-caution">
                    The shopper’s bank disputes the payment. Better hold the parcel until it has decided.
                  </p>
                }
                <shop-parcel [shipment]="shipment" (changed)="took($event)" />
              </section>
              @for (each of shipment.returns; track each.returnId) {
                <section class="panel stack" [attr.aria-labelledby]="each.returnId">
                  <h2 [id]="each.returnId">
                    Return {{ returnNumber(each.returnId) }}
                    <span [class]="'tag ' + returns[each.status].tag">{{ returns[each.status].label }}</span>
                  </h2>
                  <p>{{ reason(each) }}: {{ contents(each.lines) }}</p>
                  @for (line of named(each.received); track line.productId) {
                    <p class="hint">
                      {{ line.name }}: {{ line.restock }} back on the shelf, {{ line.writeOff }} written off
                    </p>
                  }
                  <shop-return-actions [shipment]="shipment" [about]="each" (changed)="took($event)" />
                </section>
              }
            }
            @if (payment(); as payment) {
              <section class="panel stack" aria-labelledby="payment">
                <h2 id="payment">
                  Payment
                  <span [class]="'tag ' + payments[payment.status].tag">{{ payments[payment.status].label }}</span>
                </h2>
                <dl class="facts">
                  <div>
                    <dt>Method</dt>
                    <dd>{{ payment.method ? methods[payment.method] : 'Not chosen yet' }}</dd>
                  </div>
                  @if (payment.method === 'CARD' && payment.attempts) {
                    <div>
                      <dt>Attempts</dt>
                      <dd>{{ payment.attempts }} {{ payment.declineReason }}</dd>
                    </div>
                  }
                  @if (payment.collected; as collected) {
                    <div>
                      <dt>Cash collected</dt>
                      <dd>{{ collected | money }}</dd>
                    </div>
                  }
                  @if (payment.left; as left) {
                    <div>
                      <dt>What the shop has of it</dt>
                      <dd>{{ left | money }}</dd>
                    </div>
                  }
                </dl>
                @for (dispute of payment.disputes; track dispute.disputeId) {
                  <div class="console-row">
                    <div>
                      <h3>Dispute about {{ dispute.amount | money }}</h3>
                      <p class="hint">
                        {{ dispute.reason }} · {{ dispute.disputeId }}
                        @if (dispute.reportedAt; as since) {
                          · <time [attr.datetime]="since">{{ since | when }}</time>
                        }
                      </p>
                    </div>
                    <span [class]="'tag ' + disputes[dispute.status].tag">{{ disputes[dispute.status].label }}</span>
                  </div>
                }
                @for (refund of payment.refunds; track refund.refundId) {
                  <div class="console-row">
                    <div>
                      <h3>Refund of {{ refund.amount | money }}</h3>
                      <p class="hint">
                        {{ refundOf(refund) }}
                        @if (refund.paidReference; as reference) {
                          · {{ reference }} · {{ who(refund.paidBy) }}
                        }
                      </p>
                    </div>
                    <span [class]="'tag ' + refunds[refund.status].tag">{{ refunds[refund.status].label }}</span>
                    @if (refund.actions.includes('paid')) {
                      <shop-paid-back
                        [orderId]="order.orderId"
                        [refundId]="refund.refundId"
                        [amount]="refund.amount"
                        (paid)="did()"
                      />
                    }
                  </div>
                }
              </section>
            }
            @if (order.actions.includes('cancel')) {
              <div class="actions">
                <shop-ask
                  label="Cancel the order"
                  [question]="'Cancel order ' + number()"
                  verb="Cancel the order"
                  [danger]="true"
                  [submission]="cancelling"
                  [act]="cancel"
                >
                  <p>Nothing is sent, and what was paid is given back. If the parcel has left already, it goes on.</p>
                  <shop-field
                    label="Why, for the shopper"
                    name="note"
                    hint="They read it in a mail, and on the order’s page."
                    [maxlength]="500"
                    [(value)]="note"
                    [error]="cancelling.error('note')"
                  />
                </shop-ask>
              </div>
            }
            <section class="stack">
              <h2>What happened</h2>
              <div class="data-frame" tabindex="0" role="region" aria-label="What happened">
                <table class="data">
                  <caption>
                    What happened, the oldest first
                  </caption>
                  <thead>
                    <tr>
                      <th scope="col">When</th>
                      <th scope="col">What</th>
                      <th scope="col">Details</th>
                      <th scope="col">Who</th>
                    </tr>
                  </thead>
                  <tbody>
                    @for (line of lines(); track $index) {
                      <tr>
                        <td>
                          <time [attr.datetime]="line.at">{{ line.at | when: 'short' }}</time>
                        </td>
                        <th scope="row" class="what">{{ line.what }}</th>
                        <td class="wide">{{ line.details }}</td>
                        <td>{{ who(line.by) }}</td>
                      </tr>
                    }
                  </tbody>
                </table>
              </div>
            </section>
          </div>
          <aside class="aside panel stack" aria-labelledby="summary">
            <h2 id="summary">What was ordered</h2>
            <shop-order-items
              [items]="order.items"
              [shipping]="order.shipping"
              [total]="order.total"
              [tax]="order.tax"
            />
            <h2>Delivery address</h2>
            <shop-address [address]="order.shippingAddress" />
          </aside>
        </div>
      } @else if (!poller.problem()) {
        <div aria-busy="true"><shop-skeleton height="20rem" /></div>
      }
    }
  `,
})
export default class OrderPage {
  private readonly api = inject(Api);
  private readonly session = inject(Session);
  private readonly work = inject(Work);
  protected readonly poller = inject(Poller);

  readonly orderId = input.required<string>();

  protected readonly methods = METHODS;
  protected readonly payments = PAYMENT;
  protected readonly refunds = REFUND;
  protected readonly disputes = DISPUTE;
  protected readonly returns = RETURN;
  protected readonly reason = reasonOf;
  protected readonly returnNumber = returnNumber;
  protected readonly number = computed(() => orderNumber(this.orderId()));

  protected readonly order = signal<StaffOrder | null>(null);
  /** Null where fulfilment has not heard of the order. */
  protected readonly shipment = signal<ShipmentView | null>(null);
  protected readonly payment = signal<StaffPayment | null>(null);
  protected readonly lines = computed(() => {
    const order = this.order();
    return order ? linesOf(order, this.shipment()) : [];
  });
  /** For those who listen: what has just happened. */
  protected readonly latest = computed(() => this.lines().at(-1)?.what ?? '');

  protected readonly cancelling = new Submission(['note']);
  protected readonly note = signal('');
  protected readonly cancel = async (): Promise<void> => {
    const body = { note: this.note() };
    this.order.set(await this.api.invoke(cancelForShop, { orderId: this.orderId(), body }));
    this.did();
  };

  constructor() {
    const titles = inject(Titles);
    effect(() => titles.set(`Order ${this.number()}`));
    effect(() => {
      const orderId = this.orderId();
      untracked(() => {
        this.order.set(null);
        this.shipment.set(null);
        this.payment.set(null);
        this.poller.start(() => this.look(orderId));
      });
    });
  }

  protected named<T extends { readonly productId: string }>(lines: readonly T[]): readonly (T & { name: string })[] {
    return named(lines, this.order()?.items ?? []);
  }

  protected contents(lines: readonly { productId: string; quantity: number }[]): string {
    return contentsOf(this.named(lines));
  }

  protected refundOf({ refundId }: StaffRefund): string {
    return refundId.startsWith('ret_') ? `Of return ${returnNumber(refundId)}` : 'Of the order';
  }

  /** A member of staff, by their user id. */
  protected who(userId: string | null): string {
    return whoOf(userId, this.session.userId());
  }

  protected took(shipment: ShipmentView): void {
    this.shipment.set(shipment);
    this.did();
  }

  /** Something was done here; what comes of it is looked for at once. */
  protected did(): void {
    this.poller.hurry();
    this.work.changed();
  }

  private async look(orderId: string): Promise<Seen> {
    const [order, shipment, payment] = await Promise.all([
      this.api.invoke(getStaffOrder, { orderId }),
      orNone(this.api.invoke(getShipment, { orderId })),
      orNone(this.api.invoke(getStaffPayment, { orderId })),
    ]);
    if (orderId !== this.orderId()) return 'nothing';
    const before = JSON.stringify([this.order(), this.shipment(), this.payment()]);
    if (JSON.stringify([order, shipment, payment]) === before) return 'nothing';
    this.order.set(order);
    this.shipment.set(shipment);
    this.payment.set(payment);
    return 'news';
  }
}

/** Null where a service has not heard of the order yet. */
async function orNone<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

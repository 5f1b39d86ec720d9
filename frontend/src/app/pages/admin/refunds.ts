import { Component, computed, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listRefunds } from '../../api/fn/back-office/list-refunds';
import { OpenRefund } from '../../api/models';
import { counted, orderNumber } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { Toasts } from '../../core/toasts';
import { Find } from '../../office/find';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { Work } from '../../office/work';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { MoneyPipe } from '../../ui/money.pipe';
import { OrderNumberPipe } from '../../ui/order-number.pipe';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import { PaidBack } from './paid-back';
import { REFUND } from './words';

/** Money that is still to be given back; some of it a person has to pay. */
@Component({
  selector: 'shop-refunds',
  imports: [
    Find,
    FromNowPipe,
    Heading,
    Live,
    MoneyPipe,
    More,
    OrderNumberPipe,
    PaidBack,
    RouterLink,
    Rows,
    Skeleton,
    SortHeading,
    WhenPipe,
  ],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <div class="toolbar">
      <h1 shopHeading>Refunds</h1>
      <form shopFind [(wanted)]="wanted"></form>
    </div>
    <p class="office-lead" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (list.items(); as all) {
      @if (rows().length) {
        <div class="data-frame" tabindex="0" role="region" aria-label="Refunds">
          <table class="data" shopRows>
            <caption>
              Refunds that are open
            </caption>
            <thead>
              <tr>
                <th shopSort="order" [sorting]="sorting">Order</th>
                <th shopSort="amount" [sorting]="sorting" class="number">Amount</th>
                <th shopSort="at" [sorting]="sorting">Since</th>
                <th shopSort="status" [sorting]="sorting">State</th>
                <th scope="col">Why by hand</th>
                <th shopSort="email" [sorting]="sorting">Customer</th>
                <th scope="col"><span class="visually-hidden">What to do</span></th>
              </tr>
            </thead>
            <tbody>
              @for (row of rows(); track row.orderId + row.refundId) {
                <tr>
                  <th scope="row">
                    <a class="order-number" data-lead [routerLink]="['/admin/orders', row.orderId]">{{
                      row.orderId | orderNumber
                    }}</a>
                  </th>
                  <td class="number">{{ row.amount | money }}</td>
                  <td>
                    @if (row.requestedAt; as at) {
                      <time [attr.datetime]="at" [title]="at | when">{{ at | fromNow }}</time>
                    }
                  </td>
                  <td>
                    <span [class]="'tag ' + states[row.status].tag">{{ states[row.status].label }}</span>
                  </td>
                  <td class="wide">{{ why(row) }}</td>
                  <td class="mail">{{ row.userEmail }}</td>
                  <td>
                    @if (row.status === 'TO_PAY_BY_HAND') {
                      <shop-paid-back
                        [orderId]="row.orderId"
                        [refundId]="row.refundId"
                        [amount]="row.amount"
                        (paid)="took(row)"
                      />
                    }
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <shop-more [of]="list" />
      } @else {
        <div class="blank">
          <p>{{ all.length ? 'No refund of this list has that.' : 'No refund is open.' }}</p>
        </div>
      }
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class RefundsPage {
  private readonly api = inject(Api);
  private readonly toasts = inject(Toasts);
  private readonly work = inject(Work);
  protected readonly poller = inject(Poller);

  protected readonly states = REFUND;

  protected readonly list = new Paged<OpenRefund>(
    (cursor) => this.api.invoke(listRefunds, { limit: 100, ...(cursor && { cursor }) }),
    idOf,
  );
  protected readonly sorting = new Sorting<OpenRefund>({
    order: ({ orderId }) => orderId,
    amount: ({ amount }) => amount.amount,
    at: ({ requestedAt }) => requestedAt,
    status: ({ status }) => REFUND[status].label,
    email: ({ userEmail }) => userEmail,
  });
  protected readonly wanted = signal('');

  protected readonly rows = computed(() => {
    const wanted = this.wanted().trim().toLowerCase();
    const has = ({ orderId, userEmail }: OpenRefund) =>
      [orderNumber(orderId), orderId, userEmail].join('\n').toLowerCase().includes(wanted);
    return this.sorting.sorted((this.list.items() ?? []).filter(has));
  });
  protected readonly summary = computed(() => (this.list.items() ? counted(this.rows().length, 'refund') : ''));

  constructor() {
    this.poller.start(() => this.list.look());
  }

  protected why({ method, reason }: OpenRefund): string {
    if (reason === null) return '';
    return method === 'COD' ? 'It was paid in cash' : reason;
  }

  protected took(row: OpenRefund): void {
    this.toasts.done(`Order ${orderNumber(row.orderId)} is paid back.`);
    this.list.drop(idOf(row));
    this.work.changed();
  }
}

function idOf({ orderId, refundId }: OpenRefund): string {
  return `${orderId} ${refundId}`;
}

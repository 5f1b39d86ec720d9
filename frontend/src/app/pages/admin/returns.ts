import { Component, computed, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listShipments } from '../../api/fn/back-office/list-shipments';
import { ExpectedReturn, ShipmentView } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { returnNumber } from '../../core/returns';
import { Toasts } from '../../core/toasts';
import { Find } from '../../office/find';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { Work } from '../../office/work';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { OrderNumberPipe } from '../../ui/order-number.pipe';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import { ReturnActions } from './return-actions';
import { RETURN, contentsOf, matches, named, reasonOf } from './words';

interface Row {
  readonly shipment: ShipmentView;
  readonly about: ExpectedReturn;
}

/** What shoppers send back, the oldest first. */
@Component({
  selector: 'shop-expected-returns',
  imports: [
    Find,
    FromNowPipe,
    Heading,
    Live,
    More,
    OrderNumberPipe,
    ReturnActions,
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
      <h1 shopHeading>Returns</h1>
      <form shopFind [(wanted)]="wanted"></form>
    </div>
    <p class="office-lead" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (list.items(); as all) {
      @if (rows().length) {
        <div class="data-frame" tabindex="0" role="region" aria-label="Returns">
          <table class="data" shopRows>
            <caption>
              Returns that are expected
            </caption>
            <thead>
              <tr>
                <th shopSort="return" [sorting]="sorting">Return</th>
                <th shopSort="order" [sorting]="sorting">Order</th>
                <th shopSort="at" [sorting]="sorting">Announced</th>
                <th scope="col">Contents</th>
                <th shopSort="reason" [sorting]="sorting">Why</th>
                <th shopSort="email" [sorting]="sorting">Customer</th>
                <th scope="col"><span class="visually-hidden">What to do</span></th>
              </tr>
            </thead>
            <tbody>
              @for (row of rows(); track row.about.returnId) {
                <tr>
                  <th scope="row" class="order-number">{{ number(row.about.returnId) }}</th>
                  <td>
                    <a class="order-number" data-lead [routerLink]="['/admin/orders', row.shipment.orderId]">{{
                      row.shipment.orderId | orderNumber
                    }}</a>
                  </td>
                  <td>
                    <time [attr.datetime]="row.about.requestedAt" [title]="row.about.requestedAt | when">{{
                      row.about.requestedAt | fromNow
                    }}</time>
                  </td>
                  <td class="wide">{{ contents(row) }}</td>
                  <td>{{ reason(row.about) }}</td>
                  <td class="mail">{{ row.shipment.userEmail }}</td>
                  <td>
                    <shop-return-actions [shipment]="row.shipment" [about]="row.about" (changed)="took(row, $event)" />
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <shop-more [of]="list" />
      } @else {
        <div class="blank">
          <p>{{ all.length ? 'No return of this list has that.' : 'No return is expected.' }}</p>
        </div>
      }
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class ReturnsPage {
  private readonly api = inject(Api);
  private readonly toasts = inject(Toasts);
  private readonly work = inject(Work);
  protected readonly poller = inject(Poller);

  protected readonly number = returnNumber;
  protected readonly reason = reasonOf;

  protected readonly list = new Paged<ShipmentView>(
    (cursor) => this.api.invoke(listShipments, { open: 'RETURN', limit: 100, ...(cursor && { cursor }) }),
    ({ orderId }) => orderId,
  );
  protected readonly sorting = new Sorting<Row>({
    return: ({ about }) => about.returnId,
    order: ({ shipment }) => shipment.orderId,
    at: ({ about }) => about.requestedAt,
    reason: ({ about }) => reasonOf(about),
    email: ({ shipment }) => shipment.userEmail,
  });
  protected readonly wanted = signal('');

  protected readonly rows = computed(() => {
    const expected = (this.list.items() ?? [])
      .flatMap((shipment) => shipment.returns.map((about) => ({ shipment, about })))
      .filter(({ about }) => about.status === 'EXPECTED');
    return this.sorting.sorted(expected.filter((row) => this.has(row)));
  });
  protected readonly summary = computed(() => (this.list.items() ? counted(this.rows().length, 'return') : ''));

  constructor() {
    this.poller.start(() => this.list.look());
  }

  protected contents({ about, shipment }: Row): string {
    return contentsOf(named(about.lines, shipment.items));
  }

  protected took({ about }: Row, shipment: ShipmentView): void {
    const status = shipment.returns.find(({ returnId }) => returnId === about.returnId)?.status ?? 'RECEIVED';
    this.toasts.done(`Return ${returnNumber(about.returnId)}: ${RETURN[status].label.toLowerCase()}.`, {
      text: 'See the order',
      to: `/admin/orders/${shipment.orderId}`,
    });
    this.list.put(shipment);
    this.work.changed();
  }

  private has({ about, shipment }: Row): boolean {
    const wanted = this.wanted();
    return matches(shipment, wanted) || returnNumber(about.returnId).includes(wanted.trim().toUpperCase());
  }
}

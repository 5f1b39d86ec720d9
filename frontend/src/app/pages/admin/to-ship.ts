import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listShipments } from '../../api/fn/back-office/list-shipments';
import { ShipmentView } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { Find } from '../../office/find';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { MoneyPipe } from '../../ui/money.pipe';
import { OrderNumberPipe } from '../../ui/order-number.pipe';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import { contentsOf, destinationOf, matches, piecesOf } from './words';

const LIMIT = 100;

/** The parcels that wait to be sent, or those that are on their way; the oldest first. */
@Component({
  selector: 'shop-to-ship',
  imports: [
    Find,
    FromNowPipe,
    Heading,
    Live,
    MoneyPipe,
    More,
    OrderNumberPipe,
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
      <h1 shopHeading>{{ sending() ? 'To ship' : 'On their way' }}</h1>
      <form shopFind [(wanted)]="wanted"></form>
      @if (sending()) {
        <button type="button" class="button" [attr.aria-disabled]="!chosen().length" (click)="pack()">
          Pick and pack {{ chosen().length || '' }}
        </button>
      }
    </div>
    <p class="office-lead" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (list.items(); as all) {
      @if (rows().length) {
        <div class="data-frame" tabindex="0" role="region" aria-label="Parcels">
          <table class="data" shopRows>
            <caption>
              Parcels, the oldest first
            </caption>
            <thead>
              <tr>
                @if (sending()) {
                  <th scope="col" class="pick">
                    <input
                      type="checkbox"
                      aria-label="Choose all"
                      [checked]="chosen().length === rows().length"
                      [indeterminate]="chosen().length > 0 && chosen().length < rows().length"
                      (change)="chooseAll()"
                    />
                  </th>
                }
                <th shopSort="number" [sorting]="sorting">Order</th>
                <th shopSort="since" [sorting]="sorting">Since</th>
                <th shopSort="destination" [sorting]="sorting">To</th>
                <th shopSort="pieces" [sorting]="sorting" class="number">Pieces</th>
                <th scope="col">Contents</th>
                @if (sending()) {
                  <th shopSort="method" [sorting]="sorting">Delivery</th>
                } @else {
                  <th shopSort="parcel" [sorting]="sorting">Parcel</th>
                }
                <th shopSort="cash" [sorting]="sorting" class="number">Cash to collect</th>
              </tr>
            </thead>
            <tbody>
              @for (row of rows(); track row.orderId) {
                <tr>
                  @if (sending()) {
                    <td class="pick">
                      <input
                        type="checkbox"
                        [attr.aria-label]="'Choose ' + (row.orderId | orderNumber)"
                        [checked]="marked().has(row.orderId)"
                        (change)="choose(row.orderId)"
                      />
                    </td>
                  }
                  <th scope="row">
                    <a class="order-number" data-lead [routerLink]="['/admin/orders', row.orderId]">{{
                      row.orderId | orderNumber
                    }}</a>
                    @if (row.disputed) {
                      <span class="tag tag-bad">Disputed</span>
                    }
                  </th>
                  <td>
                    @if (row.openSince; as since) {
                      <time [attr.datetime]="since" [title]="since | when">{{ since | fromNow }}</time>
                    }
                  </td>
                  <td>{{ destination(row) }}</td>
                  <td class="number">{{ pieces(row.items) }}</td>
                  <td class="wide">{{ contents(row.items) }}</td>
                  @if (sending()) {
                    <td class="whole">{{ row.shipping?.name }}</td>
                  } @else {
                    <td class="whole">{{ row.parcel?.carrier }} {{ row.parcel?.trackingNumber }}</td>
                  }
                  <td class="number">{{ row.cashDue ? (row.cashDue | money) : '' }}</td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <shop-more [of]="list" />
      } @else {
        <div class="blank">
          <p>{{ all.length ? 'No parcel of this list has that.' : nothing() }}</p>
        </div>
      }
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class ToShipPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  protected readonly poller = inject(Poller);

  /** Which list it is; from the route. */
  readonly open = input.required<'TO_SHIP' | 'SHIPPED'>();

  protected readonly sending = computed(() => this.open() === 'TO_SHIP');
  protected readonly nothing = computed(() =>
    this.sending() ? 'Nothing waits to be shipped.' : 'No parcel is on its way.',
  );

  protected readonly contents = contentsOf;
  protected readonly destination = destinationOf;
  protected readonly pieces = piecesOf;

  protected readonly list = new Paged<ShipmentView>(
    (cursor) => this.api.invoke(listShipments, { open: this.open(), limit: LIMIT, ...(cursor && { cursor }) }),
    ({ orderId }) => orderId,
  );
  protected readonly sorting = new Sorting<ShipmentView>({
    number: ({ orderId }) => orderId,
    since: ({ openSince }) => openSince,
    destination: destinationOf,
    pieces: ({ items }) => piecesOf(items),
    method: ({ shipping }) => shipping?.name ?? null,
    parcel: ({ parcel }) => parcel && `${parcel.carrier} ${parcel.trackingNumber}`,
    cash: ({ cashDue }) => cashDue?.amount ?? null,
  });
  protected readonly wanted = signal('');
  protected readonly marked = signal<ReadonlySet<string>>(new Set());

  protected readonly rows = computed(() =>
    this.sorting.sorted((this.list.items() ?? []).filter((row) => matches(row, this.wanted()))),
  );
  /** Of those that show: nobody packs what they do not see. */
  protected readonly chosen = computed(() =>
    this.rows()
      .map(({ orderId }) => orderId)
      .filter((orderId) => this.marked().has(orderId)),
  );
  protected readonly summary = computed(() => {
    if (!this.list.items()) return '';
    const found = `${counted(this.rows().length, 'parcel')}${this.list.nextCursor() ? ', and there are more' : ''}`;
    return this.chosen().length ? `${found}, ${this.chosen().length} chosen` : found;
  });

  constructor() {
    effect(() => {
      this.open();
      untracked(() => this.poller.start(() => this.list.look()));
    });
  }

  protected choose(orderId: string): void {
    this.marked.update((marked) => {
      const changed = new Set(marked);
      if (!changed.delete(orderId)) changed.add(orderId);
      return changed;
    });
  }

  protected chooseAll(): void {
    const all = this.rows().map(({ orderId }) => orderId);
    this.marked.set(new Set(this.chosen().length === all.length ? [] : all));
  }

  protected pack(): void {
    if (!this.chosen().length) return;
    void this.router.navigate(['/admin/batch'], { queryParams: { orders: this.chosen().join(',') } });
  }
}

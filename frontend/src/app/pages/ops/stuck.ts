import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listStuckOrders } from '../../api/fn/operations/list-stuck-orders';
import { StuckOrder } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { Live } from '../../office/live';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { Skeleton } from '../../ui/skeleton';
import { Waiting } from './waiting';

/** In minutes: a saga takes seconds, a payment window a quarter of an hour. What people do has its own patience. */
const USUAL = 15;
const CHOICES = [0, 5, 15, 60, 24 * 60];

@Component({
  selector: 'shop-stuck',
  imports: [FromNowPipe, Heading, Live, RouterLink, Rows, Skeleton, SortHeading, Waiting],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Stuck orders</h1>
    <div class="console-search">
      <label class="filter"
        >Waiting for at least
        <select #choice class="select" (change)="choose(choice.value)">
          @for (minutes of choices; track minutes) {
            <option [value]="minutes" [selected]="minutes === older()">{{ words(minutes) }}</option>
          }
        </select>
      </label>
      <button type="button" class="button button-quiet" (click)="poller.hurry()">Look again</button>
    </div>
    <p class="listing-count" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (stuck(); as stuck) {
      @if (stuck.length) {
        <div class="data-frame" tabindex="0" role="region" aria-label="Stuck orders">
          <table class="data" shopRows>
            <caption>
              Stuck orders
            </caption>
            <thead>
              <tr>
                <th shopSort="order" [sorting]="sorting">Order</th>
                <th shopSort="status" [sorting]="sorting">State</th>
                <th shopSort="since" [sorting]="sorting">Since</th>
                <th shopSort="waits" [sorting]="sorting">What it waits for</th>
              </tr>
            </thead>
            <tbody>
              @for (order of rows(); track order.orderId) {
                <tr>
                  <th scope="row">
                    <a class="order-number" data-lead [routerLink]="['/ops/orders', order.orderId]">{{
                      order.orderId
                    }}</a>
                  </th>
                  <td>{{ order.status }}</td>
                  <td>
                    <time [attr.datetime]="order.since">{{ order.since | fromNow }}</time>
                  </td>
                  <td class="wide"><shop-waiting [stuck]="order" (moved)="poller.hurry()" /></td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      } @else {
        <div class="blank"><p>No order has been stuck for so long.</p></div>
      }
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="12rem" /></div>
    }
  `,
})
export default class StuckPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  protected readonly poller = inject(Poller);

  /** Minutes, from the address. */
  readonly olderThan = input<string>();

  protected readonly older = computed(() => {
    const minutes = Number(this.olderThan() ?? USUAL);
    return CHOICES.includes(minutes) ? minutes : USUAL;
  });
  protected readonly choices = CHOICES;

  protected readonly stuck = signal<readonly StuckOrder[] | null>(null);
  protected readonly sorting = new Sorting<StuckOrder>({
    order: ({ orderId }) => orderId,
    status: ({ status }) => status,
    since: ({ since }) => since,
    waits: ({ blocker }) => blocker.waitsFor,
  });
  protected readonly rows = computed(() => this.sorting.sorted(this.stuck() ?? []));
  protected readonly summary = computed(() => {
    const stuck = this.stuck();
    return stuck ? counted(stuck.length, 'order') : '';
  });

  constructor() {
    effect(() => {
      const olderThan = this.older();
      untracked(() => {
        this.stuck.set(null);
        this.poller.start(() => this.look(olderThan));
      });
    });
  }

  protected words(minutes: number): string {
    if (minutes === 0) return 'a moment';
    return minutes < 60 ? counted(minutes, 'minute') : counted(minutes / 60, 'hour');
  }

  protected choose(minutes: string): void {
    void this.router.navigate([], { queryParams: { olderThan: minutes === String(USUAL) ? null : minutes } });
  }

  private async look(olderThan: number): Promise<Seen> {
    const { items } = await this.api.invoke(listStuckOrders, { olderThan });
    if (olderThan !== this.older()) return 'nothing';
    const same = JSON.stringify(items) === JSON.stringify(this.stuck());
    this.stuck.set(items);
    return same ? 'later' : 'news';
  }
}

import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { FindOrders$Params, findOrders } from '../../api/fn/back-office/find-orders';
import { OrderStatus, StaffOrderSummary } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { STATUS } from '../../core/order-story';
import { Poller } from '../../core/poller';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Skeleton } from '../../ui/skeleton';
import { OrdersTable } from './orders-table';

/** Everybody's orders, the newest first: by state, or found by what somebody says of one. */
@Component({
  selector: 'shop-found-orders',
  imports: [Heading, Live, More, OrdersTable, RouterLink, Skeleton],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <div class="toolbar">
      <h1 shopHeading>Orders</h1>
      <label class="filter"
        >State
        <select #state class="select" (change)="go({ status: state.value || null })">
          <option value="" [selected]="!known()">All</option>
          @for (each of states; track each[0]) {
            <option [value]="each[0]" [selected]="each[0] === known()">{{ each[1].label }}</option>
          }
        </select>
      </label>
      <form class="toolbar" role="search" aria-label="Find orders" (submit)="find($event, box.value)">
        <label class="filter"
          >Number, id or e-mail address
          <input #box class="console-input" type="search" maxlength="254" [value]="q() ?? ''" />
        </label>
        <button type="submit" class="button button-quiet">Find</button>
      </form>
    </div>
    <p class="office-lead" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (list.items(); as all) {
      @if (all.length) {
        <shop-orders-table [orders]="all" />
        <shop-more [of]="list" />
      } @else {
        <div class="blank">
          <p>{{ narrowed() ? 'No order is like that.' : 'Nobody has ordered yet.' }}</p>
          @if (narrowed()) {
            <div class="actions"><a class="button button-quiet" routerLink="/admin/orders">Show all orders</a></div>
          }
        </div>
      }
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class OrdersPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  protected readonly poller = inject(Poller);

  // From the address.
  readonly q = input<string>();
  readonly status = input<string>();

  protected readonly states = Object.entries(STATUS);
  /** A state that there is. */
  protected readonly known = computed(
    () => (STATUS as Partial<typeof STATUS>)[this.status() as OrderStatus] && this.status(),
  );
  protected readonly narrowed = computed(() => Boolean(this.q() ?? this.known()));

  protected readonly list = new Paged<StaffOrderSummary>(
    (cursor) => this.api.invoke(findOrders, { ...this.wanted(), limit: 50, ...(cursor && { cursor }) }),
    ({ orderId }) => orderId,
  );
  protected readonly summary = computed(() => {
    const found = this.list.items();
    return found ? `${counted(found.length, 'order')}${this.list.nextCursor() ? ', and there are more' : ''}` : '';
  });

  constructor() {
    effect(() => {
      this.wanted();
      untracked(() => {
        this.list.clear();
        this.poller.start(() => this.list.look());
      });
    });
  }

  protected go(query: Record<string, string | null>): void {
    void this.router.navigate([], { queryParams: query, queryParamsHandling: 'merge' });
  }

  protected find(event: Event, text: string): void {
    event.preventDefault();
    this.go({ q: text.trim() || null });
  }

  private wanted(): FindOrders$Params {
    const [q, status] = [this.q(), this.known()];
    return { ...(q && { q }), ...(status && { status: status as OrderStatus }) };
  }
}

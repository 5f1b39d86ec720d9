import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { Router } from '@angular/router';
import { Api } from '../../api/api';
import { findCustomer } from '../../api/fn/back-office/find-customer';
import { StaffOrderSummary } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Skeleton } from '../../ui/skeleton';
import { OrdersTable } from './orders-table';

/** Somebody, found by their e-mail address, with their orders. */
@Component({
  selector: 'shop-customers',
  imports: [Heading, Live, More, OrdersTable, Skeleton],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <div class="toolbar">
      <h1 shopHeading>Customers</h1>
      <form class="toolbar" role="search" aria-label="Find a customer" (submit)="find($event, box.value)">
        <label class="filter"
          >E-mail address
          <input #box class="console-input" type="search" maxlength="254" autocomplete="off" [value]="email() ?? ''" />
        </label>
        <button type="submit" class="button button-quiet">Find</button>
      </form>
    </div>
    @if (email(); as email) {
      <p class="office-lead" role="status">{{ summary() }}</p>
      <shop-live [poller]="poller" />
      @if (list.items(); as orders) {
        @if (orders.length) {
          <section class="stack" aria-labelledby="customer">
            <h2 id="customer">{{ name() }}</h2>
            <shop-orders-table [orders]="orders" />
            <shop-more [of]="list" />
          </section>
        } @else {
          <div class="blank">
            <p>Nobody has ordered with {{ email }}.</p>
          </div>
        }
      } @else if (!poller.problem()) {
        <div aria-busy="true"><shop-skeleton height="12rem" /></div>
      }
    } @else {
      <div class="blank"><p>Enter the address that somebody orders with: their orders show here.</p></div>
    }
  `,
})
export default class CustomersPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  protected readonly poller = inject(Poller);

  /** From the address. */
  readonly email = input<string>();

  protected readonly name = signal('');
  protected readonly list = new Paged<StaffOrderSummary>(
    async (cursor) => {
      const { name, orders, nextCursor } = await this.api.invoke(findCustomer, {
        email: this.email() ?? '',
        limit: 50,
        ...(cursor && { cursor }),
      });
      this.name.set(name ?? '');
      return { items: orders, nextCursor };
    },
    ({ orderId }) => orderId,
  );
  protected readonly summary = computed(() => {
    const found = this.list.items();
    return found ? `${counted(found.length, 'order')}${this.list.nextCursor() ? ', and there are more' : ''}` : '';
  });

  constructor() {
    effect(() => {
      const email = this.email();
      untracked(() => {
        this.list.clear();
        if (email) this.poller.start(() => this.list.look());
        else this.poller.stop();
      });
    });
  }

  protected find(event: Event, text: string): void {
    event.preventDefault();
    void this.router.navigate([], { queryParams: { email: text.trim() || null } });
  }
}

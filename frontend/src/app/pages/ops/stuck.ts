import { Component, computed, inject, input } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listStuckOrders } from '../../api/fn/operations/list-stuck-orders';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { resource } from '../../core/recovery';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { Waiting } from './waiting';

/** In minutes: a saga takes seconds, a payment window a quarter of an hour. What people do has its own patience. */
const USUAL = 15;
const CHOICES = [0, 5, 15, 60, 24 * 60];

@Component({
  selector: 'shop-stuck',
  imports: [Heading, Problem, RouterLink, Skeleton, Waiting],
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
      <button type="button" class="button button-quiet" [attr.aria-busy]="stuck.isLoading()" (click)="stuck.reload()">
        Look again
      </button>
    </div>
    <p class="listing-count" role="status">{{ summary() }}</p>
    @if (stuck.error(); as error) {
      <shop-problem [error]="error" (retry)="stuck.reload()" />
    } @else if (stuck.hasValue()) {
      @if (stuck.value().items.length) {
        <ul class="console-rows">
          @for (order of stuck.value().items; track order.orderId) {
            <li class="panel stack">
              <h2>
                <a class="order-number" [routerLink]="['/ops/orders', order.orderId]">{{ order.orderId }}</a>
              </h2>
              <shop-waiting [stuck]="order" (moved)="stuck.reload()" />
            </li>
          }
        </ul>
      } @else {
        <div class="blank"><p>No order has been stuck for so long.</p></div>
      }
    } @else {
      <div class="stack" aria-busy="true"><shop-skeleton height="8rem" /><shop-skeleton height="8rem" /></div>
    }
  `,
})
export default class StuckPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);

  /** Minutes, from the address. */
  readonly olderThan = input<string>();

  protected readonly older = computed(() => {
    const minutes = Number(this.olderThan() ?? USUAL);
    return CHOICES.includes(minutes) ? minutes : USUAL;
  });
  protected readonly choices = CHOICES;

  protected readonly stuck = resource({
    params: () => ({ olderThan: this.older() }),
    loader: ({ params }) => this.api.invoke(listStuckOrders, params),
  });
  protected readonly summary = computed(() =>
    this.stuck.hasValue() && !this.stuck.isLoading() ? counted(this.stuck.value().items.length, 'order') : '',
  );

  protected words(minutes: number): string {
    if (minutes === 0) return 'a moment';
    return minutes < 60 ? counted(minutes, 'minute') : counted(minutes / 60, 'hour');
  }

  protected choose(minutes: string): void {
    void this.router.navigate([], { queryParams: { olderThan: minutes === String(USUAL) ? null : minutes } });
  }
}

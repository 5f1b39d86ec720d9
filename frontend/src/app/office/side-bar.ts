import { Component, computed, effect, inject, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import { CurrentUrl } from '../core/current-url';
import { Poller } from '../core/poller';
import { Session } from '../core/session';
import { AccountMenu } from '../shell/account-menu';
import { Icon } from '../ui/icon';
import { Shortcuts } from './shortcuts';
import { Pile, Work } from './work';

interface Place {
  readonly to: string;
  /** What else belongs to it begins so. */
  readonly below?: string;
  readonly name: string;
  readonly pile?: Pile;
  /** What the pile's number says, for those who only hear it. */
  readonly unit?: string;
}

const STAFF: readonly Place[] = [
  { to: '/admin/orders', name: 'Orders' },
  { to: '/admin/to-ship', below: '/admin/batch', name: 'To ship', pile: 'toShip', unit: 'parcels wait' },
  { to: '/admin/on-their-way', name: 'On their way' },
  { to: '/admin/returns', name: 'Returns', pile: 'returns', unit: 'orders wait' },
  { to: '/admin/refunds', name: 'Refunds', pile: 'refunds', unit: 'refunds are open' },
  { to: '/admin/products', name: 'Products' },
  { to: '/admin/stock', name: 'Stock' },
  { to: '/admin/customers', name: 'Customers' },
  { to: '/admin/shipping', name: 'Shipping rates' },
  { to: '/admin/tax', name: 'Tax rates' },
];

const OPERATORS: readonly Place[] = [
  { to: '/ops', below: '/ops/queues/', name: 'Queues', pile: 'deadLetters', unit: 'dead letters' },
  { to: '/ops/stuck', name: 'Stuck orders' },
  { to: '/ops/orders', below: '/ops/orders/', name: 'Time-line' },
  { to: '/ops/reconciliation', name: 'Reconciliation' },
  { to: '/ops/replays', below: '/ops/replays/', name: 'Record' },
];

/** The way from page to page for those who work for the shop, with how much waits on each. */
@Component({
  selector: 'shop-side-bar',
  imports: [AccountMenu, Icon, RouterLink, Shortcuts],
  providers: [Poller],
  host: { class: 'side' },
  template: `
    <header class="side-head">
      <a class="logo" routerLink="/">
        <img src="/favicon.svg" alt="" width="28" height="28" />
        <span>CloudRetail<span class="visually-hidden">, to the shop</span></span>
      </a>
      <shop-account-menu />
      <button type="button" class="icon-button side-menu" popovertarget="places">
        <shop-icon name="menu" /><span class="visually-hidden">Pages</span>
      </button>
    </header>
    <nav #menu id="places" class="side-nav" popover aria-label="Back office" (click)="menu.hidePopover()">
      @for (group of groups(); track group.name) {
        <p class="side-group" [id]="'side-' + group.name">{{ group.name }}</p>
        <ul [attr.aria-labelledby]="'side-' + group.name">
          @for (place of group.places; track place.to) {
            <li>
              <a class="side-link" [routerLink]="place.to" [attr.aria-current]="current(place)">
                {{ place.name }}
                @if (place.pile && work.of()(place.pile); as count) {
                  <span class="side-count" [class.side-count-bad]="place.pile === 'deadLetters'"
                    >{{ count }}<span class="visually-hidden"> {{ place.unit }}</span></span
                  >
                }
              </a>
            </li>
          }
        </ul>
      }
    </nav>
    <shop-shortcuts />
  `,
})
export class SideBar {
  private readonly location = inject(CurrentUrl);
  private readonly session = inject(Session);
  protected readonly work = inject(Work);

  protected readonly groups = computed(() =>
    [
      { name: 'Shop', places: this.session.isStaff() ? STAFF : [] },
      { name: 'Operations', places: this.session.isOperator() ? OPERATORS : [] },
    ].filter(({ places }) => places.length),
  );

  constructor() {
    const poller = inject(Poller);
    effect(() => {
      if (this.session.signedIn()) untracked(() => poller.start(() => this.work.look()));
      else poller.stop();
    });
    effect(() => {
      if (this.work.changes()) untracked(() => poller.hurry());
    });
  }

  protected current({ to, below }: Place): 'page' | 'true' | null {
    const path = this.location.path();
    if (path === to) return 'page';
    return path.startsWith(below ?? `${to}/`) ? 'true' : null;
  }
}

import { Component, DestroyRef, computed, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { CartStore } from '../core/cart';
import { Catalogue } from '../core/catalogue';
import { CurrentUrl } from '../core/current-url';
import { Recovery } from '../core/recovery';
import { Icon } from '../ui/icon';
import { SearchBox } from '../ui/search-box';
import { AccountMenu } from './account-menu';
import { CartPanel } from './cart-panel';

/** As in masthead.css. */
const WIDE = matchMedia('(width >= 48rem)');

/** The top of every page: who we are, what there is, the search, the account, the cart. */
@Component({
  selector: 'shop-masthead',
  imports: [AccountMenu, Icon, RouterLink, SearchBox],
  template: `
    <header class="masthead">
      <div class="wrap masthead-bar">
        <button type="button" class="icon-button masthead-menu" popovertarget="categories">
          <shop-icon name="menu" /><span class="visually-hidden">Categories</span>
        </button>
        <a class="logo" routerLink="/">
          <img src="/favicon.svg" alt="" width="32" height="32" />
          <span>CloudRetail</span>
        </a>
        @if (wide()) {
          <shop-search-box [query]="query()" />
        }
        <div class="masthead-tools">
          <shop-account-menu />
          <button type="button" class="tool" aria-haspopup="dialog" (click)="panel.open.set(true)">
            <shop-icon name="bag" />
            <span class="tool-text">Cart</span>
            @if (cart.count(); as count) {
              <span class="badge"
                >{{ count }}<span class="visually-hidden"> {{ count === 1 ? 'item' : 'items' }}</span></span
              >
            }
          </button>
        </div>
      </div>
    </header>
    <!-- On a phone the search goes with the page, and the bar with the cart stays. -->
    @if (!wide()) {
      <shop-search-box class="wrap" [query]="query()" />
    }
    <nav #menu id="categories" class="categories" popover aria-label="Categories" (click)="menu.hidePopover()">
      <ul>
        <li><a routerLink="/products" [attr.aria-current]="category() === '' ? 'page' : null">All products</a></li>
        @for (each of categories(); track each.category) {
          <li>
            <a
              routerLink="/products"
              [queryParams]="{ category: each.category }"
              [attr.aria-current]="category() === each.category ? 'page' : null"
              >{{ each.category }}</a
            >
          </li>
        }
        @if (catalogue.categories.error()) {
          <li>
            <button type="button" class="link" (click)="$event.stopPropagation(); recovery.again()">
              Load the categories again
            </button>
          </li>
        }
      </ul>
    </nav>
  `,
})
export class Masthead {
  protected readonly cart = inject(CartStore);
  protected readonly panel = inject(CartPanel);
  protected readonly catalogue = inject(Catalogue);
  protected readonly recovery = inject(Recovery);
  private readonly location = inject(CurrentUrl);

  /** Whether there is room for the search in the bar. */
  protected readonly wide = signal(WIDE.matches);

  /** The shell works without them: a list that did not come is an empty one. */
  protected readonly categories = computed(() =>
    this.catalogue.categories.hasValue() ? this.catalogue.categories.value() : [],
  );

  private readonly listing = computed(() => (this.location.path() === '/products' ? this.location.query() : null));
  /** The one that is being shown; empty for all of them, null on other pages. */
  protected readonly category = computed(() => this.listing() && (this.listing()?.get('category') ?? ''));
  protected readonly query = computed(() => this.listing()?.get('q') ?? '');

  constructor() {
    const follow = () => this.wide.set(WIDE.matches);
    WIDE.addEventListener('change', follow);
    inject(DestroyRef).onDestroy(() => WIDE.removeEventListener('change', follow));
  }
}

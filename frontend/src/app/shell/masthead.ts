import { Component, ElementRef, computed, inject, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { CartStore } from '../core/cart';
import { Catalogue } from '../core/catalogue';
import { Here } from '../core/here';
import { Icon } from '../ui/icon';
import { AccountMenu } from './account-menu';
import { CartPanel } from './cart-panel';

/** The top of every page: who we are, what there is, the search, the account, the cart. */
@Component({
  selector: 'shop-masthead',
  imports: [AccountMenu, Icon, RouterLink],
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
        <search class="masthead-search">
          <form action="/products" (submit)="search($event, words)">
            <label class="visually-hidden" for="search">Search for products</label>
            <input #words id="search" name="q" type="search" maxlength="100" placeholder="Search" [value]="query()" />
            <button type="submit" class="icon-button">
              <shop-icon name="search" /><span class="visually-hidden">Search</span>
            </button>
          </form>
        </search>
        <div class="masthead-tools">
          <shop-account-menu />
          <button type="button" class="tool" aria-haspopup="dialog" (click)="panel.open.set(true)">
            <shop-icon name="bag" />
            <span class="tool-text">Cart</span>
            @if (cart.count(); as count) {
              <span class="badge"
                >{{ count }}<span class="visually-hidden"> {{ count === 1 ? 'piece' : 'pieces' }}</span></span
              >
            }
          </button>
        </div>
      </div>
    </header>
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
      </ul>
    </nav>
  `,
})
export class Masthead {
  protected readonly cart = inject(CartStore);
  protected readonly panel = inject(CartPanel);
  private readonly catalogue = inject(Catalogue);
  private readonly here = inject(Here);
  private readonly router = inject(Router);
  private readonly menu = viewChild.required<ElementRef<HTMLElement>>('menu');

  /** The shell works without them: a list that did not come is an empty one. */
  protected readonly categories = computed(() =>
    this.catalogue.categories.hasValue() ? this.catalogue.categories.value() : [],
  );

  private readonly listing = computed(() => (this.here.path() === '/products' ? this.here.query() : null));
  /** The one that is being shown; empty for all of them, null on other pages. */
  protected readonly category = computed(() => this.listing() && (this.listing()?.get('category') ?? ''));
  protected readonly query = computed(() => this.listing()?.get('q') ?? '');

  protected search(event: Event, words: HTMLInputElement): void {
    event.preventDefault();
    const q = words.value.trim() || null;
    words.blur();
    this.menu().nativeElement.hidePopover();
    void this.router.navigate(['/products'], { queryParams: { q } });
  }
}

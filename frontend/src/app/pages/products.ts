import { Component, ElementRef, computed, effect, inject, input, untracked, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { ProductView } from '../api/models';
import { Catalogue } from '../core/catalogue';
import { Filters, SORTS, filtersOf, queryOf } from '../core/filters';
import { Heading } from '../core/headings';
import { Listing } from '../core/listing';
import { Titles } from '../core/titles';
import { onRecovery } from '../core/recovery';
import { BlankImage } from '../ui/blank-image';
import { Icon } from '../ui/icon';
import { Problem } from '../ui/problem';
import { ProductCard } from '../ui/product-card';
import { WayOn } from '../ui/way-on';

@Component({
  selector: 'shop-products',
  imports: [BlankImage, Heading, Icon, Problem, ProductCard, RouterLink, WayOn],
  host: { class: 'wrap listing' },
  template: `
    <div class="listing-head">
      <h1 shopHeading>{{ heading() }}</h1>
      <p class="listing-count" role="status">{{ count() }}</p>
    </div>

    <form class="filters" aria-label="Filters" (submit)="$event.preventDefault()">
      <label class="filter">
        <span>Category</span>
        <select #category class="select" name="category" (change)="choose({ category: category.value })">
          <option value="" [selected]="filters().category === ''">All</option>
          @for (name of categories(); track name) {
            <option [value]="name" [selected]="filters().category === name">{{ name }}</option>
          }
        </select>
      </label>
      <label class="filter">
        <span>Sort by</span>
        <select #sort class="select" name="sort" (change)="choose({ sort: filtersOf({ sort: sort.value }).sort })">
          @for (each of sorts; track each[0]) {
            <option [value]="each[0]" [selected]="filters().sort === each[0]">{{ each[1] }}</option>
          }
        </select>
      </label>
      <label class="check">
        <input
          #stocked
          type="checkbox"
          name="inStock"
          [checked]="filters().inStock"
          (change)="choose({ inStock: stocked.checked })"
        />
        In stock only
      </label>
      @if (filters().q) {
        <a class="tag filter-words" routerLink="/products" [queryParams]="query({ q: '' })">
          <span><span class="visually-hidden">Remove the search for </span>“{{ filters().q }}”</span>
          <shop-icon name="close" />
        </a>
      }
    </form>

    @if (empty()) {
      <div class="blank">
        <shop-blank-image icon="search" />
        <h2>No products found</h2>
        <p>
          @if (filters().q) {
            We found nothing for “{{ filters().q }}”. Check the spelling, or try fewer or other words.
          } @else {
            No products match these filters right now.
          }
        </p>
        <shop-way-on />
      </div>
    } @else {
      <ul
        #grid
        class="products"
        [class.products-stale]="listing.loading() && !listing.hasMore()"
        [attr.aria-busy]="listing.loading()"
      >
        @for (product of shown(); track product?.productId ?? $index) {
          <li [shopProductCard]="product" [eager]="$index < 4"></li>
        }
      </ul>
    }
    @if (listing.problem(); as problem) {
      <shop-problem [error]="problem" />
    } @else if (listing.hasMore()) {
      <p class="listing-more">
        <button type="button" class="button button-quiet" [attr.aria-busy]="listing.loading()" (click)="more()">
          {{ listing.loading() ? 'Loading …' : 'Load more' }}
        </button>
      </p>
    }
  `,
})
export default class ProductsPage {
  protected readonly listing = inject(Listing);
  private readonly catalogue = inject(Catalogue);
  private readonly router = inject(Router);
  private readonly grid = viewChild<ElementRef<HTMLElement>>('grid');

  // From the address.
  readonly category = input<string>();
  readonly q = input<string>();
  readonly sort = input<string>();
  readonly inStock = input<string>();

  protected readonly sorts = SORTS;
  protected readonly filtersOf = filtersOf;
  protected readonly filters = computed(() =>
    filtersOf({ category: this.category(), q: this.q(), sort: this.sort(), inStock: this.inStock() }),
  );

  protected readonly categories = computed(() => {
    const known = this.catalogue.categories.hasValue() ? this.catalogue.categories.value() : [];
    const names = known.map(({ category }) => category);
    const { category } = this.filters();
    return !category || names.includes(category) ? names : [category, ...names];
  });

  protected readonly heading = computed(() => {
    const { q, category } = this.filters();
    if (q) return category ? `“${q}” in ${category}` : `Results for “${q}”`;
    return category || 'All products';
  });

  /** Skeletons until the first products have come. */
  protected readonly shown = computed<readonly (ProductView | null)[]>(
    () => this.listing.items() ?? (this.listing.problem() ? [] : Array<null>(8).fill(null)),
  );

  protected readonly empty = computed(
    () => this.listing.items()?.length === 0 && !this.listing.loading() && !this.listing.problem(),
  );

  protected readonly count = computed(() => {
    const found = this.listing.items()?.length;
    if (found === undefined || (this.listing.loading() && !this.listing.hasMore())) return '';
    if (this.listing.hasMore()) return `Showing ${found} products`;
    return found === 1 ? '1 product' : `${found} products`;
  });

  constructor() {
    const titles = inject(Titles);
    effect(() => titles.set(this.heading()));
    onRecovery(
      () => this.listing.problem() !== null,
      () => void this.listing.retry(this.filters()),
    );
    effect(() => {
      const filters = this.filters();
      untracked(() => void this.listing.open(filters));
    });
  }

  protected query(change: Partial<Filters>): Record<string, string | null> {
    return queryOf({ ...this.filters(), ...change });
  }

  protected choose(change: Partial<Filters>): void {
    void this.router.navigate([], { queryParams: this.query(change), queryParamsHandling: 'merge' });
  }

  /** The focus goes on with the first new product, or it would be lost with the button of the last page. */
  protected async more(): Promise<void> {
    const before = this.listing.items()?.length ?? 0;
    await this.listing.more(this.filters());
    setTimeout(() => {
      const links = this.grid()?.nativeElement.querySelectorAll<HTMLElement>('.card-link');
      links?.[before]?.focus({ preventScroll: true });
    });
  }
}

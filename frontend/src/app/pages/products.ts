import {
  Component,
  ElementRef,
  computed,
  effect,
  inject,
  input,
  linkedSignal,
  untracked,
  viewChild,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { ProductView } from '../api/models';
import { amountText, parseAmount } from '../core/amounts';
import { Catalogue } from '../core/catalogue';
import { Filters, filtersOf, pagesOf, queryOf, sortsOf } from '../core/filters';
import { counted } from '../core/format';
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
          @for (each of categories(); track each.category) {
            <option [value]="each.category" [selected]="filters().category === each.category">
              {{ each.category }}{{ each.count === null ? '' : ' (' + each.count + ')' }}
            </option>
          }
        </select>
      </label>
      <label class="filter">
        <span>Sort by</span>
        <select #sort class="select" name="sort" (change)="order(sort.value)">
          @for (each of sorts(); track each[0]) {
            <option [value]="each[0]" [selected]="filters().sort === each[0]">{{ each[1] }}</option>
          }
        </select>
      </label>
      <fieldset class="filter filter-prices" [disabled]="!currency()">
        <legend>Price{{ currency() ? ' in ' + currency() : '' }}</legend>
        <input
          #least
          aria-label="Lowest price"
          inputmode="decimal"
          autocomplete="off"
          [placeholder]="amount(listing.found()?.prices?.lowest?.amount)"
          [value]="amount(filters().minPrice)"
          (change)="chooseFrom(least)"
        />
        <span aria-hidden="true">–</span>
        <input
          #most
          aria-label="Highest price"
          inputmode="decimal"
          autocomplete="off"
          [placeholder]="amount(listing.found()?.prices?.highest?.amount)"
          [value]="amount(filters().maxPrice)"
          (change)="chooseUpTo(most)"
        />
      </fieldset>
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

    @if (resembling()) {
      <p class="listing-note">
        Nothing here is called “{{ filters().q }}”.
        {{ listing.items()?.length === 1 ? 'This comes' : 'These come' }} close.
      </p>
    }

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
  readonly minPrice = input<string>();
  readonly maxPrice = input<string>();
  readonly page = input<string>();

  protected readonly sorts = computed(() => sortsOf(this.filters()));
  protected readonly filters = computed(
    () =>
      filtersOf({
        category: this.category(),
        q: this.q(),
        sort: this.sort(),
        inStock: this.inStock(),
        minPrice: this.minPrice(),
        maxPrice: this.maxPrice(),
      }),
    // Of the address only the page may have changed.
    { equal: (one, other) => JSON.stringify(one) === JSON.stringify(other) },
  );

  /** With how many products each has under the other filters; those have not come yet where it is null. */
  protected readonly categories = computed(() => {
    const known = this.catalogue.categories.hasValue() ? this.catalogue.categories.value() : [];
    const counts = this.listing.found()?.categories;
    const shown = counts ?? known.map(({ category }) => ({ category, count: null }));
    const { category } = this.filters();
    const missing = category !== '' && !shown.some((each) => each.category === category);
    return missing ? [{ category, count: counts ? 0 : null }, ...shown] : shown;
  });

  protected readonly currency = computed(() => this.listing.found()?.prices?.lowest.currency ?? this.seen());
  /** Where nothing is found, nothing says it: it is the one of what was found before. */
  private readonly seen = linkedSignal<string | undefined, string | undefined>({
    source: () => this.listing.found()?.prices?.lowest.currency,
    computation: (found, before) => found ?? before?.value,
  });

  /** What was searched for is nowhere, and what resembles it is shown. */
  protected readonly resembling = computed(
    () => this.listing.found()?.exact === false && !!this.listing.items()?.length && !this.listing.loading(),
  );

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
    // What is sold out is counted, but where it is left out.
    if (this.listing.hasMore()) {
      return this.filters().inStock
        ? `The first ${found} products`
        : `${found} of ${this.listing.found()?.total} products`;
    }
    return counted(found, 'product');
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
      untracked(() => void this.listing.open(filters, pagesOf(this.page())));
    });
  }

  protected query(change: Partial<Filters>): Record<string, string | null> {
    return queryOf({ ...this.filters(), ...change });
  }

  protected choose(change: Partial<Filters>): void {
    void this.router.navigate([], { queryParams: this.query(change), queryParamsHandling: 'merge' });
  }

  protected order(sort: string): void {
    this.choose({ sort: filtersOf({ q: this.filters().q, sort }).sort });
  }

  /** An amount as it is typed; nothing for none. */
  protected amount(amount: number | null | undefined): string {
    const currency = this.currency();
    return currency && typeof amount === 'number' ? amountText({ amount, currency }).replace(/\.0+$/, '') : '';
  }

  protected chooseFrom(field: HTMLInputElement): void {
    this.choosePrices({ minPrice: this.typed(field) });
  }

  protected chooseUpTo(field: HTMLInputElement): void {
    this.choosePrices({ maxPrice: this.typed(field) });
  }

  private choosePrices(change: Partial<Filters>): void {
    const text = queryOf({ ...this.filters(), ...change });
    this.choose(filtersOf(Object.fromEntries(Object.entries(text).map(([name, value]) => [name, value ?? undefined]))));
  }

  /** What is no amount is as if nothing were there. */
  private typed(field: HTMLInputElement): number | null {
    const amount = field.value.trim() ? parseAmount(field.value, this.currency()!) : null;
    field.value = this.amount(amount);
    return amount;
  }

  /** The focus goes on with the first new product, or it would be lost with the button of the last page. */
  protected async more(): Promise<void> {
    const before = this.listing.items()?.length ?? 0;
    await this.listing.more(this.filters());
    // So that the address leads here again; Back leads where one came from.
    const page = String(this.listing.pages());
    await this.router.navigate([], {
      queryParams: { page },
      queryParamsHandling: 'merge',
      replaceUrl: true,
      scroll: 'manual',
    });
    setTimeout(() => {
      const links = this.grid()?.nativeElement.querySelectorAll<HTMLElement>('.card-link');
      links?.[before]?.focus({ preventScroll: true });
    });
  }
}

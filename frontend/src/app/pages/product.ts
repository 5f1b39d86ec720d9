import { Component, computed, effect, inject, input, linkedSignal } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { ProductView } from '../api/models';
import { Catalogue } from '../core/catalogue';
import { Heading } from '../core/headings';
import { ApiError } from '../core/problem';
import { resource } from '../core/recovery';
import { Seller } from '../core/seller';
import { Titles } from '../core/titles';
import { AddButton } from '../ui/add-button';
import { BlankImage } from '../ui/blank-image';
import { Gallery } from '../ui/gallery';
import { Icon } from '../ui/icon';
import { MoneyPipe } from '../ui/money.pipe';
import { Problem } from '../ui/problem';
import { ProductCard } from '../ui/product-card';
import { Quantity } from '../ui/quantity';
import { Skeleton } from '../ui/skeleton';
import { Stock } from '../ui/stock';
import { WayOn } from '../ui/way-on';

const RELATED = 4;

@Component({
  selector: 'shop-product',
  imports: [
    AddButton,
    BlankImage,
    Gallery,
    Heading,
    Icon,
    MoneyPipe,
    Problem,
    ProductCard,
    Quantity,
    RouterLink,
    Skeleton,
    Stock,
    WayOn,
  ],
  host: { class: 'wrap' },
  template: `
    @if (shown(); as shown) {
      <nav class="breadcrumbs" aria-label="Breadcrumbs">
        <ol>
          <li><a routerLink="/products">All products</a></li>
          <li>
            <a routerLink="/products" [queryParams]="{ category: shown.category }">{{ shown.category }}</a>
          </li>
          <li aria-current="page">{{ name() }}</li>
        </ol>
      </nav>
      <article class="product">
        <shop-gallery [pictures]="shown.images" [name]="name()" [category]="shown.category" />
        <div class="product-text">
          <h1 shopHeading>{{ name() }}</h1>
          @if (shown.listed) {
            <p class="product-price price">{{ shown.price | money }}</p>
            <p><shop-stock [available]="shown.available" /></p>
          } @else {
            <div class="notice notice-caution">
              <p>We no longer sell this.</p>
              <a routerLink="/products" [queryParams]="{ category: shown.category }">More of {{ shown.category }}</a>
            </div>
          }
          <p class="product-description">{{ shown.description }}</p>
          @if (shown.group; as group) {
            <fieldset class="variants">
              <legend>{{ group.attribute }}</legend>
              @for (each of group.variants; track each.productId) {
                <label class="variant" [class.variant-none]="!each.available">
                  <input
                    type="radio"
                    name="variant"
                    [attr.aria-label]="each.value + (each.available ? '' : ', sold out')"
                    [value]="each.productId"
                    [checked]="each.productId === shown.productId"
                    (change)="choose(each.productId)"
                  />
                  {{ each.value }}
                </label>
              }
            </fieldset>
          }
          @if (shown.listed) {
            <div class="product-buy" [inert]="changing()">
              @if (shown.available) {
                <shop-quantity
                  [value]="quantity()"
                  [of]="shown.name"
                  [available]="shown.available"
                  (wanted)="quantity.set($event)"
                />
              }
              <shop-add-button [product]="shown" [quantity]="quantity()" />
            </div>
          }
          <ul class="product-facts">
            <li><shop-icon name="shield" /> We hold it for you from the moment you order</li>
            <li><shop-icon name="box" /> {{ seller.said }}</li>
            <li><shop-icon name="wallet" /> Pay by card, or in cash on delivery</li>
            <li><shop-icon name="return" /> Cancel before we send it, or send it back</li>
          </ul>
        </div>
      </article>
    } @else if (missing()) {
      <div class="blank">
        <shop-blank-image icon="search" />
        <h1 shopHeading>We could not find this product</h1>
        <p>The link may be out of date, or we no longer sell it. Perhaps you find something else you like.</p>
        <shop-way-on />
      </div>
    } @else if (product.error()) {
      <h1 class="visually-hidden" shopHeading>This product could not be loaded</h1>
      <shop-problem [error]="product.error()" />
    } @else {
      <div aria-busy="true">
        <p class="breadcrumbs"><shop-skeleton width="14rem" /></p>
        <div class="product">
          <div class="image skeleton"></div>
          <div class="product-text">
            <shop-skeleton width="70%" height="2.4rem" />
            <shop-skeleton width="30%" height="1.6rem" />
            <shop-skeleton height="6rem" />
            <shop-skeleton width="60%" height="2.875rem" />
          </div>
        </div>
      </div>
    }

    @if (related.hasValue() && related.value().length) {
      <section class="section" aria-labelledby="related-title">
        <h2 id="related-title">You may also like</h2>
        <ul class="products">
          @for (each of related.value(); track each.productId) {
            <li [shopProductCard]="each"></li>
          }
        </ul>
      </section>
    }
  `,
})
export default class ProductPage {
  private readonly catalogue = inject(Catalogue);
  protected readonly seller = inject(Seller);

  // From the address.
  readonly productId = input.required<string>();

  protected readonly product = resource({
    params: () => this.productId(),
    loader: ({ params }) => this.catalogue.get(params),
  });

  /** While another variant of its group is on its way, the page stays as it is. */
  protected readonly shown = linkedSignal<ProductView | undefined, ProductView | undefined>({
    source: () => (this.product.hasValue() ? this.product.value() : undefined),
    computation: (found, before) => {
      if (found || this.product.error()) return found;
      const known = before?.value;
      return known?.group?.variants.some(({ productId }) => productId === this.productId()) ? known : undefined;
    },
  });
  /** What can be bought is not yet what was chosen. */
  protected readonly changing = computed(() => this.shown()?.productId !== this.productId());
  protected readonly name = computed(() => this.shown()?.group?.name ?? this.shown()?.name ?? '');

  private readonly category = computed(() => this.shown()?.category);

  protected readonly related = resource({
    params: () => {
      const category = this.category();
      return category ? { category, name: this.name() } : undefined;
    },
    loader: async ({ params: { category, name } }) => {
      const { items } = await this.catalogue.list({ category, inStock: true, limit: RELATED + 1 });
      return items.filter((item) => (item.group?.name ?? item.name) !== name).slice(0, RELATED);
    },
  });

  /** Unknown to the API, or no id at all. */
  protected readonly missing = computed(() => {
    const error = this.product.error();
    return error instanceof ApiError && (error.status === 404 || error.status === 422);
  });

  protected readonly quantity = linkedSignal({ source: this.productId, computation: () => 1 });

  private readonly router = inject(Router);

  constructor() {
    const titles = inject(Titles);
    effect(() => {
      const shown = this.shown();
      if (shown) titles.set(shown.name);
      else if (this.missing()) titles.set('Product not found');
    });
  }

  /** The page of another variant, in place of this one: Back leads where one came from. */
  protected choose(productId: string): void {
    void this.router.navigate(['/products', productId], { replaceUrl: true, scroll: 'manual' });
  }
}

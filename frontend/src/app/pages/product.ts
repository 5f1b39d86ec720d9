import { Component, computed, effect, inject, input, linkedSignal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Catalogue } from '../core/catalogue';
import { Heading } from '../core/headings';
import { ApiError } from '../core/problem';
import { resource } from '../core/recovery';
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
    @if (product.hasValue()) {
      @let shown = product.value();
      <nav class="breadcrumbs" aria-label="Breadcrumbs">
        <ol>
          <li><a routerLink="/products">All products</a></li>
          <li>
            <a routerLink="/products" [queryParams]="{ category: shown.category }">{{ shown.category }}</a>
          </li>
          <li aria-current="page">{{ shown.name }}</li>
        </ol>
      </nav>
      <article class="product">
        <shop-gallery [pictures]="shown.images" [name]="shown.name" [category]="shown.category" />
        <div class="product-text">
          <h1 shopHeading>{{ shown.name }}</h1>
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
          @if (shown.listed) {
            <div class="product-buy">
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

  // From the address.
  readonly productId = input.required<string>();

  protected readonly product = resource({
    params: () => this.productId(),
    loader: ({ params }) => this.catalogue.get(params),
  });

  private readonly category = computed(() => (this.product.hasValue() ? this.product.value().category : undefined));

  protected readonly related = resource({
    params: () => {
      const category = this.category();
      return category ? { category, productId: this.productId() } : undefined;
    },
    loader: async ({ params: { category, productId } }) => {
      const { items } = await this.catalogue.list({ category, inStock: true, limit: RELATED + 1 });
      return items.filter((item) => item.productId !== productId).slice(0, RELATED);
    },
  });

  /** Unknown to the API, or no id at all. */
  protected readonly missing = computed(() => {
    const error = this.product.error();
    return error instanceof ApiError && (error.status === 404 || error.status === 422);
  });

  protected readonly quantity = linkedSignal({ source: this.productId, computation: () => 1 });

  constructor() {
    const titles = inject(Titles);
    effect(() => {
      if (this.product.hasValue()) titles.set(this.product.value().name);
      else if (this.missing()) titles.set('Product not found');
    });
  }
}

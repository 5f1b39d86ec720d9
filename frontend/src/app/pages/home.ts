import { Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { ProductView } from '../api/models';
import { Catalogue } from '../core/catalogue';
import { Heading } from '../core/headings';
import { resource } from '../core/recovery';
import { Icon } from '../ui/icon';
import { MoneyPipe } from '../ui/money.pipe';
import { ProductImage } from '../ui/product-image';
import { Problem } from '../ui/problem';
import { ProductCard } from '../ui/product-card';

const HEROES = 3;
const FEATURED = 8;

@Component({
  selector: 'shop-home',
  imports: [Heading, Icon, MoneyPipe, ProductImage, Problem, ProductCard, RouterLink],
  template: `
    <section class="wrap hero" aria-labelledby="welcome">
      <div class="hero-text">
        <h1 shopHeading id="welcome">Well-made things for every day.</h1>
        <p>Chosen to last for years. We hold your items the moment you order, and you always know where they are.</p>
        <p class="hero-actions">
          <a class="button" routerLink="/products">See all products</a>
          <a class="button button-quiet" routerLink="/products" [queryParams]="{ sort: 'newest' }">New arrivals</a>
        </p>
      </div>
      <ul class="hero-images" aria-label="Just arrived" [attr.aria-busy]="products.isLoading()">
        @for (product of heroes(); track $index) {
          <li>
            @if (product) {
              <a [routerLink]="['/products', product.productId]">
                <shop-product-image [picture]="product.images[0]" [category]="product.category" [eager]="true" />
                <span class="hero-label"
                  ><strong>{{ product.name }}</strong> {{ product.price | money }}</span
                >
              </a>
            } @else {
              <div class="image skeleton"></div>
            }
          </li>
        }
      </ul>
    </section>

    <section class="wrap section" aria-labelledby="categories-title">
      <h2 id="categories-title">Shop by category</h2>
      @if (catalogue.categories.error(); as error) {
        <shop-problem [error]="error" />
      }
      <ul class="tiles" [attr.aria-busy]="catalogue.categories.isLoading()">
        @for (tile of tiles(); track $index) {
          <li>
            @if (tile) {
              <a class="tile" routerLink="/products" [queryParams]="{ category: tile.category }">
                <shop-product-image [picture]="tile.picture" [category]="tile.category" widths="8rem" />
                <span class="tile-name">{{ tile.category }}</span>
                <span class="tile-count">{{ tile.count }} {{ tile.count === 1 ? 'product' : 'products' }}</span>
              </a>
            } @else {
              <div class="tile">
                <div class="image skeleton"></div>
                <span>&nbsp;</span><span>&nbsp;</span>
              </div>
            }
          </li>
        }
      </ul>
    </section>

    <section class="wrap section" aria-labelledby="featured-title">
      <div class="section-head">
        <h2 id="featured-title">New in the shop</h2>
        <a routerLink="/products" [queryParams]="{ sort: 'newest' }">See all new arrivals</a>
      </div>
      @if (products.error(); as error) {
        <shop-problem [error]="error" />
      } @else {
        <ul class="products" [attr.aria-busy]="products.isLoading()">
          @for (product of featured(); track $index) {
            <li [shopProductCard]="product"></li>
          }
        </ul>
      }
    </section>

    <section class="wrap section" aria-labelledby="promises-title">
      <h2 class="visually-hidden" id="promises-title">What you can count on</h2>
      <ul class="promises">
        <li>
          <shop-icon name="shield" />
          <h3>Held for you</h3>
          <p>We set your items aside as soon as you order, before you pay. Nobody else can buy them.</p>
        </li>
        <li>
          <shop-icon name="wallet" />
          <h3>Pay your way</h3>
          <p>By card, or in cash on delivery. If your card is declined, your order is safe: just try another.</p>
        </li>
        <li>
          <shop-icon name="return" />
          <h3>Change your mind</h3>
          <p>Cancel with one click until your parcel leaves, and send back what you do not like.</p>
        </li>
      </ul>
    </section>
  `,
})
export default class HomePage {
  protected readonly catalogue = inject(Catalogue);

  protected readonly products = resource({
    loader: async () => (await this.catalogue.list({ sort: 'newest', inStock: true, limit: HEROES + FEATURED })).items,
  });

  private readonly found = computed<readonly ProductView[]>(() =>
    this.products.hasValue() ? this.products.value() : [],
  );
  private readonly waiting = computed(() => this.products.isLoading() && !this.products.hasValue());

  /** The newest, no two of a category side by side. */
  private readonly mixed = computed(() => {
    const byCategory = Map.groupBy(this.found(), ({ category }) => category);
    const rounds = Math.max(0, ...[...byCategory.values()].map((products) => products.length));
    return Array.from({ length: rounds }, (_, round) =>
      [...byCategory.values()].flatMap((products) => products.slice(round, round + 1)),
    ).flat();
  });

  /** Null while they are on their way. */
  protected readonly heroes = computed<readonly (ProductView | null)[]>(() =>
    this.waiting() ? Array<null>(HEROES).fill(null) : this.mixed().slice(0, HEROES),
  );
  protected readonly featured = computed<readonly (ProductView | null)[]>(() =>
    this.waiting() ? Array<null>(FEATURED).fill(null) : this.mixed().slice(HEROES, HEROES + FEATURED),
  );

  protected readonly tiles = computed(() => {
    if (!this.catalogue.categories.hasValue())
      return this.catalogue.categories.error() ? [] : Array<null>(7).fill(null);
    return this.catalogue.categories.value();
  });
}

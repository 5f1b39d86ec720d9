import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { ProductView } from '../api/models';
import { AddButton } from './add-button';
import { MoneyPipe } from './money.pipe';
import { ProductImage } from './product-image';
import { Skeleton } from './skeleton';
import { Stock } from './stock';

/** A product in a grid (`<li class="card">`); a skeleton of the same size while it is not known. */
@Component({
  selector: 'li[shopProductCard]',
  imports: [AddButton, MoneyPipe, ProductImage, RouterLink, Skeleton, Stock],
  host: { class: 'card' },
  template: `
    @if (shopProductCard(); as product) {
      <shop-product-image [picture]="product.images[0]" [category]="product.category" [eager]="eager()" />
      <div class="card-text">
        <a class="card-link" [routerLink]="['/products', place()]">{{ product.group?.name ?? product.name }}</a>
        <span class="card-facts">
          <span class="price">{{ product.price | money }}</span>
          @if (available() < 10) {
            <shop-stock [available]="available()" />
          }
        </span>
      </div>
      @if (product.group; as group) {
        <p class="add">
          <a class="button button-quiet" [routerLink]="['/products', place()]" tabindex="-1" aria-hidden="true">
            Choose {{ group.attribute.toLowerCase() }}
          </a>
        </p>
      } @else {
        <shop-add-button [product]="product" [quiet]="true" />
      }
    } @else {
      <shop-skeleton class="image" height="auto" />
      <div class="card-text">
        <shop-skeleton width="80%" height="1.3em" /><shop-skeleton width="40%" height="1.55em" />
      </div>
      <shop-skeleton class="button" />
    }
  `,
})
export class ProductCard {
  readonly shopProductCard = input.required<ProductView | null>();
  /** It is in view when the page opens. */
  readonly eager = input(false);

  private readonly variants = computed(() => this.shopProductCard()?.group?.variants);
  /** Of all variants together. */
  protected readonly available = computed(
    () => this.variants()?.reduce((sum, { available }) => sum + available, 0) ?? this.shopProductCard()?.available ?? 0,
  );
  /** Where it leads to: of a group, to itself, or to one that can be had if this one is sold out. */
  protected readonly place = computed(() => {
    const product = this.shopProductCard();
    const other = product?.available ? undefined : this.variants()?.find(({ available }) => available > 0);
    return (other ?? product)?.productId;
  });
}

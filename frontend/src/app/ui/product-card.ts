import { Component, input } from '@angular/core';
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
        <a class="card-link" [routerLink]="['/products', product.productId]">{{ product.name }}</a>
        <span class="card-facts">
          <span class="price">{{ product.price | money }}</span>
          @if (product.available < 10) {
            <shop-stock [available]="product.available" />
          }
        </span>
      </div>
      <shop-add-button [product]="product" [quiet]="true" />
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
}

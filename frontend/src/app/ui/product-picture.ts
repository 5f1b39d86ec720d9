import { Component, inject, input, resource } from '@angular/core';
import { Catalogue } from '../core/catalogue';
import { Picture } from './picture';

/** The picture of a product of which only the id is known; without one, its colour. */
@Component({
  selector: 'shop-product-picture',
  imports: [Picture],
  template: `<shop-picture [src]="url.hasValue() ? url.value() : null" [category]="productId()" />`,
})
export class ProductPicture {
  readonly productId = input.required<string>();

  private readonly catalogue = inject(Catalogue);
  protected readonly url = resource({
    params: () => this.productId(),
    // Decoration: a product that is no longer sold has none, and that is no error.
    loader: ({ params }) =>
      this.catalogue.glance(params).then(
        ({ imageUrl }) => imageUrl,
        () => null,
      ),
  });
}

import { Component, computed, inject, input, resource } from '@angular/core';
import { Catalogue } from '../core/catalogue';
import { ProductImage } from './product-image';

/** The image of a product of which only the id is known; without one, only its colour. */
@Component({
  selector: 'shop-product-thumbnail',
  imports: [ProductImage],
  template: `<shop-product-image [src]="product()?.imageUrl ?? null" [category]="product()?.category ?? ''" />`,
})
export class ProductThumbnail {
  readonly productId = input.required<string>();

  private readonly catalogue = inject(Catalogue);
  private readonly found = resource({
    params: () => this.productId(),
    // Decoration: a product that is no longer sold has none, and that is no error.
    loader: ({ params }) => this.catalogue.glance(params).catch(() => null),
  });
  protected readonly product = computed(() => (this.found.hasValue() ? this.found.value() : null));
}

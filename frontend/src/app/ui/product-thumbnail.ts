import { Component, computed, inject, input } from '@angular/core';
import { Catalogue } from '../core/catalogue';
import { resource } from '../core/recovery';
import { ProductImage } from './product-image';

/** The image of a product of which only the id is known; without one, only its colour. */
@Component({
  selector: 'shop-product-thumbnail',
  imports: [ProductImage],
  template: `<shop-product-image
    [picture]="product()?.images?.[0]"
    [category]="product()?.category ?? ''"
    widths="5rem"
  />`,
})
export class ProductThumbnail {
  readonly productId = input.required<string>();

  private readonly catalogue = inject(Catalogue);
  // Decoration: a product that is no longer sold has none, and nothing is shown instead.
  private readonly found = resource({
    params: () => this.productId(),
    loader: ({ params }) => this.catalogue.glance(params),
  });
  protected readonly product = computed(() => (this.found.hasValue() ? this.found.value() : null));
}

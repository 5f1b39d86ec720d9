import { Component, computed, inject, input, resource } from '@angular/core';
import { Catalogue } from '../core/catalogue';
import { Picture } from './picture';

/** The picture of a product of which only the id is known; without one, only its colour. */
@Component({
  selector: 'shop-product-picture',
  imports: [Picture],
  template: `<shop-picture [src]="product()?.imageUrl ?? null" [category]="product()?.category ?? ''" />`,
})
export class ProductPicture {
  readonly productId = input.required<string>();

  private readonly catalogue = inject(Catalogue);
  private readonly found = resource({
    params: () => this.productId(),
    // Decoration: a product that is no longer sold has none, and that is no error.
    loader: ({ params }) => this.catalogue.glance(params).catch(() => null),
  });
  protected readonly product = computed(() => (this.found.hasValue() ? this.found.value() : null));
}

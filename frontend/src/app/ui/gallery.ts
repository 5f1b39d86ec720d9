import { Component, input, linkedSignal } from '@angular/core';
import { PictureView } from '../api/models';
import { ProductImage } from './product-image';

/** The pictures of a product: one is large, and each of the others can be. */
@Component({
  selector: 'shop-gallery',
  imports: [ProductImage],
  host: { class: 'gallery' },
  template: `
    @let picture = pictures()[shown()];
    <shop-product-image
      [picture]="picture"
      [alt]="picture?.alt || name()"
      [category]="category()"
      [eager]="true"
      widths="(width < 48rem) 64vw, 24rem"
    />
    @if (pictures().length > 1) {
      <ul class="gallery-choice" [attr.aria-label]="'Pictures of ' + name()">
        @for (each of pictures(); track $index) {
          <li>
            <button type="button" [attr.aria-pressed]="$index === shown()" (click)="shown.set($index)">
              <shop-product-image [picture]="each" [category]="category()" widths="4rem" />
              <span class="visually-hidden">
                Picture {{ $index + 1 }} of {{ pictures().length }}{{ each.alt ? ': ' + each.alt : '' }}
              </span>
            </button>
          </li>
        }
      </ul>
    }
  `,
})
export class Gallery {
  readonly pictures = input.required<readonly PictureView[]>();
  /** Of the product, for a picture of which nobody has said what is to be seen. */
  readonly name = input.required<string>();
  readonly category = input('');

  /** Which one is large: of another product, the first one again. */
  protected readonly shown = linkedSignal({ source: this.pictures, computation: () => 0 });
}

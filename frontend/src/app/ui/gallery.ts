import { Component, input, linkedSignal, signal } from '@angular/core';
import { PictureView } from '../api/models';
import { Icon } from './icon';
import { ProductImage } from './product-image';

/** The pictures of a product: one is large, each of the others can be, and the large one can fill the screen. */
@Component({
  selector: 'shop-gallery',
  imports: [Icon, ProductImage],
  host: { class: 'gallery' },
  template: `
    @let picture = pictures()[shown()];
    <div class="gallery-large">
      <shop-product-image
        [picture]="picture"
        [alt]="picture?.alt || name()"
        [category]="category()"
        [eager]="true"
        widths="(width < 48rem) 64vw, 24rem"
      />
      @if (picture) {
        <button type="button" class="gallery-zoom" (click)="zoomed.set(true); zoom.showModal()">
          <shop-icon name="search" /><span class="visually-hidden">Larger picture</span>
        </button>
      }
    </div>
    <dialog #zoom class="gallery-zoomed" [attr.aria-label]="name()" closedby="any" (close)="zoomed.set(false)">
      @if (zoomed()) {
        <shop-product-image
          [picture]="picture"
          [alt]="picture?.alt || name()"
          [category]="category()"
          [eager]="true"
          widths="min(100vw, 80rem)"
        />
      }
      <button type="button" class="icon-button" autofocus (click)="zoom.close()">
        <shop-icon name="close" /><span class="visually-hidden">Close</span>
      </button>
    </dialog>
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

  /** Whether it fills the screen: its largest size is loaded only then. */
  protected readonly zoomed = signal(false);
}

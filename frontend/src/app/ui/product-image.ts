import { Component, computed, effect, input, signal } from '@angular/core';
import { PictureView } from '../api/models';
import { onRecovery } from '../core/recovery';

/** A hue for a word, always the same one: products of a category stand on the same colour. */
export function hueOf(word: string): number {
  let hash = 7;
  for (const character of word) hash = (hash * 31 + character.codePointAt(0)!) % 360;
  return hash;
}

/** How wide a picture is drawn where products stand in a grid: the browser takes the size that is enough for it. */
const IN_A_GRID = '(width < 48rem) 34vw, 14rem';

/** A product's picture on its category's colour. Where the name stands beside it, the picture itself is decoration. */
@Component({
  selector: 'shop-product-image',
  host: { class: 'image', '[style.--hue]': 'hue()' },
  template: `
    @if (largest(); as largest) {
      <img
        [sizes]="widths()"
        [srcset]="srcset()"
        [src]="largest.url"
        [alt]="alt()"
        width="256"
        height="256"
        decoding="async"
        [attr.loading]="eager() ? 'eager' : 'lazy'"
        [attr.fetchpriority]="eager() ? 'high' : null"
        (error)="failed.set(true)"
      />
    }
  `,
})
export class ProductImage {
  readonly picture = input.required<PictureView | null | undefined>();
  /** What is to be seen, where nothing beside it says so. */
  readonly alt = input('');
  /** How wide it is drawn, as the attribute `sizes` says it. */
  readonly widths = input(IN_A_GRID);
  /** What chooses the colour. */
  readonly category = input('');
  /** Load it at once: it is what the page is about. */
  readonly eager = input(false);

  private readonly failed = signal(false);
  protected readonly largest = computed(() => (this.failed() ? undefined : this.picture()?.sizes.at(-1)));
  protected readonly srcset = computed(() =>
    (this.picture()?.sizes ?? []).map(({ url, width }) => `${url} ${width}w`).join(', '),
  );
  protected readonly hue = computed(() => hueOf(this.category()));

  constructor() {
    effect(() => {
      this.picture();
      this.failed.set(false);
    });
    onRecovery(
      () => this.failed(),
      () => this.failed.set(false),
    );
  }
}

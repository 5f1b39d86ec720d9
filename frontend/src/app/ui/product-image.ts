import { Component, computed, effect, input, signal } from '@angular/core';
import { onRecovery } from '../core/recovery';

/** A hue for a word, always the same one: products of a category stand on the same colour. */
export function hueOf(word: string): number {
  let hash = 7;
  for (const character of word) hash = (hash * 31 + character.codePointAt(0)!) % 360;
  return hash;
}

/** A product's image on its category's colour. The name stands beside it: the image itself is decoration. */
@Component({
  selector: 'shop-product-image',
  host: { class: 'image', '[style.--hue]': 'hue()' },
  template: `
    @if (src() && !failed()) {
      <img
        [src]="src()"
        alt=""
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
  readonly src = input.required<string | null>();
  /** What chooses the colour. */
  readonly category = input('');
  /** Load it at once: it is what the page is about. */
  readonly eager = input(false);

  protected readonly failed = signal(false);
  protected readonly hue = computed(() => hueOf(this.category()));

  constructor() {
    effect(() => {
      this.src();
      this.failed.set(false);
    });
    onRecovery(
      () => this.failed(),
      () => this.failed.set(false),
    );
  }
}

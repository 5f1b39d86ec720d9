import { Component, computed, input } from '@angular/core';

/** Below this many, it is said how many there are. */
const FEW = 10;

/** How many of a product can be had, in words. */
@Component({
  selector: 'shop-stock',
  host: { class: 'stock', '[class]': '"stock-" + level()' },
  template: `{{ words() }}`,
})
export class Stock {
  readonly available = input.required<number>();

  protected readonly level = computed(() =>
    this.available() === 0 ? 'none' : this.available() < FEW ? 'few' : 'good',
  );
  protected readonly words = computed(() => {
    switch (this.level()) {
      case 'none':
        return 'Sold out';
      case 'few':
        return `Only ${this.available()} left`;
      default:
        return 'In stock';
    }
  });
}

import { Component, input } from '@angular/core';

/** Stands where a text will be, as wide and high as that. Say `aria-busy` on what it fills. */
@Component({
  selector: 'shop-skeleton',
  host: {
    class: 'skeleton',
    'aria-hidden': 'true',
    '[style.inline-size]': 'width()',
    '[style.block-size]': 'height()',
  },
  template: '',
})
export class Skeleton {
  readonly width = input('100%');
  readonly height = input('1em');
}

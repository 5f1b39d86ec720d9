import { Component, input } from '@angular/core';
import { Icon, IconName } from './icon';

/** The image of a page on which there is nothing (yet): decoration. */
@Component({
  selector: 'shop-blank-image',
  imports: [Icon],
  host: { class: 'blank-image', 'aria-hidden': 'true' },
  template: `<shop-icon [name]="icon()" />`,
})
export class BlankImage {
  readonly icon = input.required<IconName>();
}

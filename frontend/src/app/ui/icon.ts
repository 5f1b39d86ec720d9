import { Component, input } from '@angular/core';

export type IconName =
  | 'alert'
  | 'arrow'
  | 'bag'
  | 'box'
  | 'check'
  | 'chevron'
  | 'clock'
  | 'close'
  | 'down'
  | 'mail'
  | 'menu'
  | 'minus'
  | 'person'
  | 'plus'
  | 'return'
  | 'search'
  | 'shield'
  | 'trash'
  | 'wallet';

/** A decoration from public/icons.svg: what it means stands beside it, if only for screen readers. */
@Component({
  selector: 'shop-icon',
  host: { class: 'icon', 'aria-hidden': 'true' },
  template: `<svg focusable="false"><use [attr.href]="'/icons.svg#' + name()" /></svg>`,
})
export class Icon {
  readonly name = input.required<IconName>();
}

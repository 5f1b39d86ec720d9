import { Directive, ElementRef, afterNextRender, booleanAttribute, inject, input } from '@angular/core';

/**
 * `<p [shopTakeFocus]="asked()">` takes the focus when it appears, if it is the answer to what the visitor has done: what
 * had the focus is gone.
 */
@Directive({ selector: '[shopTakeFocus]', host: { tabindex: '-1' } })
export class TakeFocus {
  readonly shopTakeFocus = input(true, { transform: booleanAttribute });

  constructor() {
    const element: HTMLElement = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
    afterNextRender(() => {
      if (this.shopTakeFocus()) element.focus();
    });
  }
}

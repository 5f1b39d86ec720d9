import { Directive, ElementRef, effect, inject, input } from '@angular/core';

/** Shows HTML that the shop itself has made, of what is escaped already: nothing that anybody else has written. */
@Directive({ selector: '[shopHtml]' })
export class Html {
  readonly shopHtml = input.required<string>();

  constructor() {
    const element: HTMLElement = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
    // Angular's own binding brings a sanitizer of 1 kB into everybody's first visit.
    effect(() => (element.innerHTML = this.shopHtml()));
  }
}

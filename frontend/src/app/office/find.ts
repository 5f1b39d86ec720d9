import { Component, model } from '@angular/core';

/** `<form shopFind [(wanted)]="wanted"></form>`: what a list that is there already is narrowed down by, as it is entered. */
@Component({
  selector: 'form[shopFind]',
  host: { role: 'search', '(submit)': '$event.preventDefault()' },
  template: `
    <input
      #box
      class="console-input"
      type="search"
      aria-label="Find in this list"
      placeholder="Find in this list"
      [value]="wanted()"
      (input)="wanted.set(box.value)"
    />
  `,
})
export class Find {
  readonly wanted = model.required<string>();
}

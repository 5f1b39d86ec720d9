import { Component, input, model } from '@angular/core';

let last = 0;

/** A field in a table: its label is for those who do not see the headings. */
@Component({
  selector: 'shop-cell',
  template: `
    <input
      #control
      class="cell-input"
      autocomplete="off"
      [attr.aria-label]="label()"
      [attr.inputmode]="inputmode()"
      [attr.maxlength]="maxlength()"
      [attr.aria-invalid]="error() !== null"
      [attr.aria-describedby]="error() === null ? null : id"
      [value]="value()"
      (input)="value.set(control.value)"
    />
    @if (error()) {
      <p class="field-error" [id]="id">{{ error() }}</p>
    }
  `,
})
export class Cell {
  readonly label = input.required<string>();
  readonly value = model('');
  readonly error = input<string | null>(null);
  readonly inputmode = input<string>();
  readonly maxlength = input<number>();

  protected readonly id = `cell-${++last}`;
}

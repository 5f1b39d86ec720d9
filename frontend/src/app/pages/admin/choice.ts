import { Component, input, model } from '@angular/core';

let last = 0;

/** A labelled choice of one out of a few. */
@Component({
  selector: 'shop-choice',
  host: { class: 'field' },
  template: `
    <label [for]="id">{{ label() }}</label>
    <select
      #select
      class="select"
      [id]="id"
      [name]="name()"
      [attr.aria-invalid]="error() !== null"
      [attr.aria-describedby]="error() === null ? null : id + '-error'"
      (change)="value.set(select.value)"
    >
      @for (each of entries(); track each[0]) {
        <option [value]="each[0]" [selected]="each[0] === value()">{{ each[1] }}</option>
      }
    </select>
    @if (error()) {
      <p class="field-error" [id]="id + '-error'">{{ error() }}</p>
    }
  `,
})
export class Choice {
  readonly label = input.required<string>();
  readonly name = input.required<string>();
  /** Each value with its words. */
  readonly of = input.required<Readonly<Record<string, string>>>();
  readonly value = model('');
  readonly error = input<string | null>(null);

  protected readonly id = `choice-${++last}`;

  protected entries(): [string, string][] {
    return Object.entries(this.of());
  }
}

import { Component, computed, input, model, signal } from '@angular/core';

let last = 0;

/** A labelled text field, with what the API says of it below. */
@Component({
  selector: 'shop-field',
  host: { class: 'field' },
  template: `
    <label [for]="id">{{ label() }}</label>
    <span class="field-control">
      <input
        #control
        [id]="id"
        [name]="name()"
        [type]="revealed() ? 'text' : type()"
        [value]="value()"
        (input)="value.set(control.value)"
        [attr.autocomplete]="autocomplete()"
        [attr.inputmode]="inputmode()"
        [attr.maxlength]="maxlength()"
        [attr.aria-required]="!optional()"
        [attr.aria-invalid]="error() !== null"
        [attr.aria-describedby]="description()"
        [attr.autocapitalize]="type() === 'text' ? null : 'none'"
        [attr.spellcheck]="type() === 'text' ? null : 'false'"
      />
      @if (type() === 'password') {
        <button
          type="button"
          class="field-reveal"
          [attr.aria-pressed]="revealed()"
          [attr.aria-controls]="id"
          (click)="revealed.set(!revealed())"
        >
          {{ revealed() ? 'Hide' : 'Show' }}<span class="visually-hidden"> {{ label() }}</span>
        </button>
      }
    </span>
    @if (error()) {
      <p class="field-error" [id]="id + '-error'">{{ error() }}</p>
    }
    @if (hint()) {
      <p class="field-hint" [id]="id + '-hint'">{{ hint() }}</p>
    }
  `,
})
export class Field {
  readonly label = input.required<string>();
  readonly name = input.required<string>();
  readonly value = model('');
  readonly error = input<string | null>(null);
  readonly hint = input<string>();
  readonly type = input<'text' | 'email' | 'password' | 'tel'>('text');
  readonly autocomplete = input('off');
  readonly inputmode = input<string>();
  readonly maxlength = input<number>();
  readonly optional = input(false);

  protected readonly id = `field-${++last}`;
  protected readonly revealed = signal(false);
  protected readonly description = computed(
    () =>
      [this.error() !== null && `${this.id}-error`, this.hint() && `${this.id}-hint`].filter(Boolean).join(' ') || null,
  );
}

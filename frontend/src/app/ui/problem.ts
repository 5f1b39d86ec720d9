import { Component, computed, input, output } from '@angular/core';
import { ApiError } from '../core/problem';
import { Icon } from './icon';

/** In place of what could not be loaded: why, and another try. */
@Component({
  selector: 'shop-problem',
  imports: [Icon],
  host: { class: 'notice notice-problem', role: 'alert' },
  template: `
    <shop-icon name="alert" />
    <p>{{ message() }}</p>
    <button type="button" class="button button-quiet" (click)="retry.emit()">Try again</button>
  `,
})
export class Problem {
  readonly error = input.required<unknown>();
  readonly retry = output<void>();

  protected readonly message = computed(() => {
    const error = this.error();
    return error instanceof ApiError ? error.message : 'Something on this page went wrong.';
  });
}

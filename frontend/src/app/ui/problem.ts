import { Component, computed, inject, input, output } from '@angular/core';
import { ApiError } from '../core/problem';
import { Recovery } from '../core/recovery';
import { Icon } from './icon';

/** In place of what could not be loaded: why, and another try. */
@Component({
  selector: 'shop-problem',
  imports: [Icon],
  host: { class: 'notice notice-problem', role: 'alert' },
  template: `
    <shop-icon name="alert" />
    <p>{{ message() }}</p>
    <button type="button" class="button button-quiet" (click)="again()">Try again</button>
  `,
})
export class Problem {
  readonly error = input.required<unknown>();
  readonly retry = output();

  private readonly recovery = inject(Recovery);

  /** What failed for the same reason is tried again too. */
  protected again(): void {
    this.retry.emit();
    this.recovery.again();
  }

  protected readonly message = computed(() => {
    const error = this.error();
    return error instanceof ApiError ? error.message : 'Something went wrong on this page.';
  });
}

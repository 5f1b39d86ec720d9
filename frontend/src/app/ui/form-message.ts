import { Component, input } from '@angular/core';
import { Icon } from './icon';

/** What the API said of a form as a whole. It can have the focus, so that it is read first. */
@Component({
  selector: 'shop-form-message',
  imports: [Icon],
  template: `
    @if (message()) {
      <div class="notice notice-problem" role="alert" tabindex="-1">
        <shop-icon name="alert" />
        <p>{{ message() }}</p>
      </div>
    }
  `,
})
export class FormMessage {
  readonly message = input.required<string | null>();
}

import { Component, input, output } from '@angular/core';
import { ApiError } from '../../core/problem';
import { Icon } from '../../ui/icon';

/** Somebody else has changed the same thing meanwhile: the second of two is told, and decides. */
@Component({
  selector: 'shop-overtaken',
  imports: [Icon],
  template: `
    @if (problem()?.status === 409) {
      <div class="notice notice-caution" role="alert" tabindex="-1">
        <shop-icon name="alert" />
        <p>{{ problem()!.message }} Nothing of yours is stored, or lost.</p>
        <button type="button" class="button button-quiet" (click)="theirs.emit()">Drop mine, and show theirs</button>
        <button type="button" class="button button-danger" (click)="mine.emit()">Save mine in place of theirs</button>
      </div>
    }
  `,
})
export class Overtaken {
  readonly problem = input.required<ApiError | null>();
  readonly theirs = output();
  readonly mine = output();
}

import { Component, input } from '@angular/core';
import { Problem } from '../ui/problem';
import { Paged } from './paged';

/** Below a list that has further rows. */
@Component({
  selector: 'shop-more',
  imports: [Problem],
  template: `
    @if (of().nextCursor()) {
      <button type="button" class="button button-quiet" [attr.aria-busy]="of().older.pending()" (click)="of().more()">
        {{ of().older.pending() ? 'One moment …' : 'Show more' }}
      </button>
    }
    @if (of().older.problem(); as problem) {
      <shop-problem [error]="problem" (retry)="of().more()" />
    }
  `,
})
export class More {
  readonly of = input.required<Pick<Paged<unknown>, 'nextCursor' | 'older' | 'more'>>();
}

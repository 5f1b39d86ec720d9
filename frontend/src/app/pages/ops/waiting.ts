import { Component, input, output } from '@angular/core';
import { RouterLink } from '@angular/router';
import { StuckOrder } from '../../api/models';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { Nudge } from './nudge';

/** What an order waits for, and what lets it go on. */
@Component({
  selector: 'shop-waiting',
  imports: [FromNowPipe, Nudge, RouterLink],
  host: { class: 'console-row' },
  template: `
    <div>
      <p>
        <strong>Waits for {{ stuck().blocker.waitsFor }}</strong>
      </p>
      <p class="hint">{{ stuck().status }}, waiting since {{ stuck().since | fromNow }}</p>
      @if (stuck().blocker.command; as command) {
        <p class="hint">
          <code>{{ command }}</code>
        </p>
      }
    </div>
    @if (stuck().blocker.remedy === 'NUDGE') {
      <shop-nudge [orderId]="stuck().orderId" (nudged)="moved.emit()" />
    } @else if (stuck().blocker.queue; as queue) {
      <a class="button button-quiet" [routerLink]="['/ops/queues', queue]" [queryParams]="{ orderId: stuck().orderId }"
        >See its dead letters</a
      >
    }
  `,
})
export class Waiting {
  readonly stuck = input.required<StuckOrder>();
  readonly moved = output();
}

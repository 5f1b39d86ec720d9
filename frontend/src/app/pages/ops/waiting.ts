import { Component, computed, input, output } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Wait } from '../../api/models';
import { Nudge } from './nudge';
import { FromNowPipe, remedyOf } from './words';

/** What an order waits for, and what would move it. */
@Component({
  selector: 'shop-waiting',
  imports: [FromNowPipe, Nudge, RouterLink],
  host: { class: 'console-row' },
  template: `
    <div>
      <p>
        <strong>Waits for {{ wait().waitsFor }}</strong>
      </p>
      <p class="hint">{{ wait().status }}, last heard of something {{ wait().since | fromNow }}</p>
      @if (wait().command; as command) {
        <p class="hint">
          <code>{{ command }}</code>
        </p>
      }
    </div>
    @if (remedy(); as remedy) {
      @if (remedy.kind === 'nudge') {
        <shop-nudge [orderId]="wait().orderId" (nudged)="moved.emit()" />
      } @else {
        <a
          class="button button-quiet"
          [routerLink]="['/ops/queues', remedy.queue]"
          [queryParams]="{ orderId: remedy.orderId }"
          >See its dead letters</a
        >
      }
    }
  `,
})
export class Waiting {
  readonly wait = input.required<Wait>();
  readonly moved = output();

  protected readonly remedy = computed(() => remedyOf(this.wait()));
}

import { Component, input } from '@angular/core';
import { Poller } from '../core/poller';
import { Icon } from '../ui/icon';
import { Problem } from '../ui/problem';

/** Says why a page that looks again and again may be behind. The region is there before its first message. */
@Component({
  selector: 'shop-live',
  imports: [Icon, Problem],
  template: `
    @if (poller().problem(); as problem) {
      <shop-problem [error]="problem" (retry)="poller().hurry()" />
    }
    <div role="status">
      @if (poller().unreachable()) {
        <div class="notice notice-caution">
          <shop-icon name="alert" />
          <p>The shop cannot be reached just now, so this page may be behind. We keep trying.</p>
          <button type="button" class="button button-quiet" (click)="poller().hurry()">Try now</button>
        </div>
      }
    </div>
  `,
})
export class Live {
  readonly poller = input.required<Poller>();
}

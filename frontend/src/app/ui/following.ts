import { Component, input } from '@angular/core';
import { OrderFollower } from '../core/order-follower';
import { Icon } from './icon';

/** Says when the shop cannot be reached, and that it is tried again. The region is there before its first message. */
@Component({
  selector: 'shop-following',
  imports: [Icon],
  template: `
    <div role="status">
      @if (follower().unreachable()) {
        <div class="notice notice-caution">
          <shop-icon name="alert" />
          <p>We cannot reach the shop right now, so this page may be out of date. We will keep trying.</p>
          <button type="button" class="button button-quiet" (click)="follower().refresh()">Try now</button>
        </div>
      }
    </div>
  `,
})
export class Following {
  readonly follower = input.required<OrderFollower>();
}

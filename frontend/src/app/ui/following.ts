import { Component, input } from '@angular/core';
import { OrderFollower } from '../core/order-follower';
import { Icon } from './icon';

/**
 * Says when the shop cannot be reached, and that it is tried again; and when a payment takes longer than usual. The
 * region is there before its first message.
 */
@Component({
  selector: 'shop-following',
  imports: [Icon],
  template: `
    <div role="status">
      @if (follower().unreachable()) {
        <div class="notice notice-caution">
          <shop-icon name="alert" />
          <p>We cannot reach the shop just now, so this page may be behind. We keep trying.</p>
          <button type="button" class="button button-quiet" (click)="follower().refresh()">Try now</button>
        </div>
      } @else if (follower().payingLong()) {
        <div class="notice notice-caution">
          <shop-icon name="clock" />
          <p>
            <strong>This payment takes longer than usual.</strong> The answer to it has not come yet, and we keep
            asking. You need not wait here, and need not pay again: you are charged once or not at all. When the answer
            comes, we write to you. Should it come too late to hold your things, the order is cancelled and nothing is
            kept.
          </p>
        </div>
      }
    </div>
  `,
})
export class Following {
  readonly follower = input.required<OrderFollower>();
}

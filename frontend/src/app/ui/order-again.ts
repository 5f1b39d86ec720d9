import { Component, inject, input } from '@angular/core';
import { Router } from '@angular/router';
import { OrderItem } from '../api/models';
import { CartStore } from '../core/cart';
import { apiError } from '../core/problem';
import { Submission } from '../core/submission';
import { Toasts } from '../core/toasts';

/** Puts what was ordered into the cart again, and goes there. */
@Component({
  selector: 'shop-order-again',
  template: `
    <button
      type="button"
      class="button"
      [class.button-quiet]="quiet()"
      [attr.aria-busy]="submission.pending()"
      (click)="again()"
    >
      {{ ended() ? 'Put these items back in your cart' : 'Order again' }}
    </button>
  `,
})
export class OrderAgain {
  private readonly cart = inject(CartStore);
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);

  readonly items = input.required<readonly OrderItem[]>();
  /** Nothing was delivered, and nothing will be. */
  readonly ended = input(false);
  readonly quiet = input(false);

  protected readonly submission = new Submission();

  protected async again(): Promise<void> {
    let left = '';
    const done = await this.submission.run(async () => {
      left = await this.cart.putBack(this.items());
    });
    if (!done) {
      this.toasts.problem(apiError(this.submission.problem()).message);
      return;
    }
    if (left) this.toasts.problem(left);
    await this.router.navigateByUrl('/cart');
  }
}

import { Component, inject, input, signal } from '@angular/core';
import { ProductView } from '../api/models';
import { CartStore, MAX_QUANTITY } from '../core/cart';
import { apiError } from '../core/problem';
import { Toasts } from '../core/toasts';

/** Puts a product into the cart, and says so; or says why not. */
@Component({
  selector: 'shop-add-button',
  host: { class: 'add' },
  template: `
    <button
      type="button"
      class="button"
      [class.button-quiet]="quiet()"
      [disabled]="product().available === 0"
      [attr.aria-busy]="pending()"
      (click)="add()"
    >
      {{ product().available ? 'Add to cart' : 'Sold out' }}<span class="visually-hidden"> {{ product().name }}</span>
    </button>
    @if (problem()) {
      <p class="field-error" role="alert">{{ problem() }}</p>
    }
  `,
})
export class AddButton {
  private readonly cart = inject(CartStore);
  private readonly toasts = inject(Toasts);

  readonly product = input.required<ProductView>();
  readonly quantity = input(1);
  /** One of many on the page. */
  readonly quiet = input(false);

  protected readonly pending = signal(false);
  protected readonly problem = signal('');

  protected async add(): Promise<void> {
    if (this.pending()) return;
    this.pending.set(true);
    this.problem.set('');
    try {
      const added = await this.cart.add(this.product(), this.quantity());
      this.toasts.done(this.said(added), { text: 'View cart', to: '/cart' });
    } catch (error) {
      this.problem.set(apiError(error).message);
    } finally {
      this.pending.set(false);
    }
  }

  private said(added: number): string {
    const { name } = this.product();
    return added < this.quantity()
      ? `We added ${added} of ${name}. Your cart now has ${MAX_QUANTITY} of it, the most that one order can have.`
      : `${name} is in your cart.`;
  }
}

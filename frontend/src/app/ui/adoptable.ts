import { Component, computed, inject, output, signal } from '@angular/core';
import { Api } from '../api/api';
import { adoptOrders } from '../api/fn/account/adopt-orders';
import { listAdoptable } from '../api/fn/account/list-adoptable';
import { resource } from '../core/recovery';
import { Submission } from '../core/submission';
import { Toasts } from '../core/toasts';
import { FormMessage } from './form-message';
import { MoneyPipe } from './money.pipe';
import { OrderNumberPipe } from './order-number.pipe';
import { WhenPipe } from './when.pipe';

/** Orders that somebody has placed without an account, with this account's e-mail address: its person says which are theirs. */
@Component({
  selector: 'shop-adoptable',
  imports: [FormMessage, MoneyPipe, OrderNumberPipe, WhenPipe],
  template: `
    @if (orders().length) {
      <section class="panel stack" aria-labelledby="adoptable">
        <h2 id="adoptable">Orders without an account</h2>
        <p>
          These were placed with your e-mail address. Add those that are yours. Ignore the others: they stay as they
          are.
        </p>
        <fieldset class="choices">
          <legend class="visually-hidden">Your orders</legend>
          @for (order of orders(); track order.orderId) {
            <label class="choice">
              <input
                #mine
                type="checkbox"
                [checked]="chosen().has(order.orderId)"
                (change)="choose(order.orderId, mine.checked)"
              />
              <span>
                <strong>{{ names(order.items) }}</strong>
                <span class="hint">
                  <time [attr.datetime]="order.createdAt">{{ order.createdAt | when }}</time>,
                  {{ order.total | money }}, order {{ order.orderId | orderNumber }}
                </span>
              </span>
            </label>
          }
        </fieldset>
        <shop-form-message [message]="adoption.message" />
        <button
          type="button"
          class="button"
          [disabled]="!chosen().size"
          [attr.aria-busy]="adoption.pending()"
          (click)="adopt()"
        >
          Add to your account
        </button>
      </section>
    }
  `,
})
export class Adoptable {
  private readonly api = inject(Api);
  private readonly toasts = inject(Toasts);
  private readonly asked = resource({ loader: () => this.api.invoke(listAdoptable, {}) });

  /** Some of them are the account's now. */
  readonly adopted = output();

  protected readonly adoption = new Submission();
  protected readonly orders = computed(() => (this.asked.hasValue() ? this.asked.value().items : []));
  protected readonly chosen = signal<ReadonlySet<string>>(new Set());

  protected names(items: readonly { readonly name: string }[]): string {
    return items.map(({ name }) => name).join(', ');
  }

  protected choose(orderId: string, mine: boolean): void {
    const others = [...this.chosen()].filter((each) => each !== orderId);
    this.chosen.set(new Set(mine ? [...others, orderId] : others));
  }

  protected async adopt(): Promise<void> {
    const orderIds = [...this.chosen()];
    const done = await this.adoption.run(() => this.api.invoke(adoptOrders, { body: { orderIds } }));
    this.asked.reload();
    if (!done) return;
    this.chosen.set(new Set());
    this.toasts.done(
      orderIds.length === 1 ? 'The order is in your account now.' : 'The orders are in your account now.',
    );
    this.adopted.emit();
  }
}

import { Component, computed, inject, input, output, signal } from '@angular/core';
import { Api } from '../api/api';
import { requestReturn } from '../api/fn/orders/request-return';
import { OrderItem, OrderView, ReturnChoice } from '../api/models';
import { RETURN_REASONS } from '../core/returns';
import { Form, Submission } from '../core/submission';
import { FormMessage } from './form-message';
import { ProductThumbnail } from './product-thumbnail';
import { TakeFocus } from './take-focus';

/** What is sent back of an order, and why. */
@Component({
  selector: 'shop-return-form',
  imports: [Form, FormMessage, ProductThumbnail, TakeFocus],
  template: `
    <form class="stack" [shopForm]="submission" (send)="send()" aria-labelledby="return-title">
      <h3 id="return-title" shopTakeFocus>What do you want to send back?</h3>
      <ul class="items">
        @for (each of choices(); track each.item.productId) {
          <li class="item return-item">
            <shop-product-thumbnail [productId]="each.item.productId" />
            <label [for]="'return-' + each.item.productId">{{ each.item.name }}</label>
            <select
              #selected
              class="select"
              [id]="'return-' + each.item.productId"
              [attr.aria-invalid]="submission.error('lines') !== null"
              [attr.aria-describedby]="submission.error('lines') ? 'return-lines-error' : null"
              (change)="choose(each.item.productId, +selected.value)"
            >
              <option [value]="0" [selected]="each.chosen === 0">Keep</option>
              @for (quantity of each.quantities; track quantity) {
                <option [value]="quantity" [selected]="each.chosen === quantity">
                  {{ each.quantities.length > 1 ? 'Send back ' + quantity : 'Send back' }}
                </option>
              }
            </select>
          </li>
        }
      </ul>
      @if (submission.error('lines'); as problem) {
        <p class="field-error" id="return-lines-error">{{ problem }}</p>
      }
      <div class="field">
        <label for="return-reason">Why do you send it back?</label>
        <select
          #why
          id="return-reason"
          class="select"
          [attr.aria-invalid]="submission.error('reason') !== null"
          [attr.aria-describedby]="submission.error('reason') ? 'return-reason-error' : null"
          (change)="reason.set(why.value)"
        >
          <option value="" [selected]="reason() === ''">Choose a reason</option>
          @for (each of reasons; track each[0]) {
            <option [value]="each[0]" [selected]="reason() === each[0]">{{ each[1] }}</option>
          }
        </select>
        @if (submission.error('reason'); as problem) {
          <p class="field-error" id="return-reason-error">{{ problem }}</p>
        }
      </div>
      <shop-form-message [message]="submission.message" />
      <div class="actions">
        <button type="submit" class="button" [attr.aria-busy]="submission.pending()">
          {{ submission.pending() ? 'Requesting …' : 'Request return' }}
        </button>
        <button type="button" class="button button-quiet" (click)="closed.emit()">Not now</button>
      </div>
    </form>
  `,
})
export class ReturnForm {
  private readonly api = inject(Api);

  readonly order = input.required<OrderView>();
  /** The order with the new return. */
  readonly requested = output<OrderView>();
  /** What the form shows of the order may no longer be true. */
  readonly outdated = output();
  /** The shopper does not want to send anything back. */
  readonly closed = output();

  protected readonly submission = new Submission(['lines', 'reason']);
  protected readonly reasons = Object.entries(RETURN_REASONS);
  protected readonly reason = signal('');
  private readonly chosen = signal<ReadonlyMap<string, number>>(new Map());
  /** The Idempotency-Key: the same one until an answer says what came of it. */
  private key = crypto.randomUUID();

  /** What can be sent back, and how much of it is wanted: never more than there is. */
  protected readonly choices = computed(() => {
    const left = new Map(this.order().returnable.map(({ productId, quantity }) => [productId, quantity]));
    return this.order()
      .items.map((item) => ({ item, most: left.get(item.productId) ?? 0 }))
      .filter(({ most }) => most > 0)
      .map(({ item, most }) => this.choice(item, most));
  });

  protected choose(productId: string, quantity: number): void {
    this.chosen.update((chosen) => new Map(chosen).set(productId, quantity));
  }

  protected async send(): Promise<void> {
    const { orderId } = this.order();
    const lines = this.choices()
      .filter(({ chosen }) => chosen > 0)
      .map(({ item, chosen }) => ({ productId: item.productId, quantity: chosen }));
    const body = { lines, reason: this.reason() as ReturnChoice };
    const done = await this.submission.run(async () => {
      const order = await this.api.invoke(requestReturn, { orderId, 'Idempotency-Key': this.key, body });
      this.requested.emit(order);
    });
    if (done) return;
    const problem = this.submission.problem();
    if (!problem || problem.mayPass) return;
    // A definite answer, also where it says that an earlier request went through: the next one is another return.
    this.key = crypto.randomUUID();
    if (problem.status === 409 || problem.type === 'idempotency-key-reused') this.outdated.emit();
  }

  private choice(item: OrderItem, most: number) {
    const quantities = Array.from({ length: most }, (_, index) => index + 1);
    return { item, quantities, chosen: Math.min(this.chosen().get(item.productId) ?? 0, most) };
  }
}

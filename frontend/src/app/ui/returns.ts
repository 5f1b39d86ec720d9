import { Component, ElementRef, computed, inject, input, output, signal, viewChild } from '@angular/core';
import { Api } from '../api/api';
import { withdrawReturn } from '../api/fn/orders/withdraw-return';
import { OrderView, PaymentView } from '../api/models';
import { RETURN_STATUS, isReturnable, outcomeOf, piecesOf, returnNumber } from '../core/returns';
import { Submission } from '../core/submission';
import { FormMessage } from './form-message';
import { Icon } from './icon';
import { ReturnForm } from './return-form';
import { WhenPipe } from './when.pipe';

/** What was sent back of a delivered order, and what can be. */
@Component({
  selector: 'shop-returns',
  imports: [FormMessage, Icon, ReturnForm, WhenPipe],
  template: `
    <section class="stack" aria-labelledby="returns">
      <h2 id="returns" tabindex="-1" #heading>Returns</h2>
      @if (returns().length) {
        <ul class="returns">
          @for (each of returns(); track each.returnId) {
            <li class="panel return">
              <p class="return-head">
                <span [class]="'tag ' + each.state.tag">{{ each.state.label }}</span>
                <span class="order-number">Return {{ each.number }}</span>
                <time class="hint" [attr.datetime]="each.requestedAt">{{ each.requestedAt | when: 'day' }}</time>
              </p>
              <ul class="return-pieces">
                @for (piece of each.pieces; track piece) {
                  <li>{{ piece }}</li>
                }
              </ul>
              <p>{{ each.outcome }}</p>
              @if (each.note; as note) {
                <p>Our note to you: {{ note }}</p>
              }
              @if (each.status === 'REQUESTED') {
                <button
                  type="button"
                  class="button button-quiet"
                  [attr.aria-busy]="withdrawing() === each.returnId"
                  (click)="withdraw(each.returnId)"
                >
                  {{ withdrawing() === each.returnId ? 'Withdrawing …' : 'Keep the items'
                  }}<span class="visually-hidden"> of return {{ each.number }}</span>
                </button>
              }
            </li>
          }
        </ul>
      }
      <shop-form-message [message]="submission.message" />
      @if (asking()) {
        <div class="panel">
          <shop-return-form
            [order]="order()"
            (requested)="took($event)"
            (outdated)="refresh.emit()"
            (closed)="asking.set(false); heading.focus()"
          />
        </div>
      } @else if (returnable()) {
        <div class="notice">
          <shop-icon name="return" />
          <p>
            Not quite right? You can send items back
            @if (order().returnableUntil; as until) {
              until <time [attr.datetime]="until">{{ until | when: 'day' }}</time>.
            }
          </p>
          <button type="button" class="button button-quiet" (click)="asking.set(true)">Send items back</button>
        </div>
      } @else if (!returns().length) {
        <p class="hint">
          @if (order().returnableUntil; as until) {
            Items could be sent back until <time [attr.datetime]="until">{{ until | when: 'day' }}</time>.
          }
        </p>
      }
    </section>
  `,
})
export class Returns {
  private readonly api = inject(Api);
  private readonly heading = viewChild.required<ElementRef<HTMLElement>>('heading');

  readonly order = input.required<OrderView>();
  readonly payment = input<PaymentView | null>(null);
  /** The shop's answer to what the shopper did here. */
  readonly changed = output<OrderView>();
  /** What is shown may no longer be true. */
  readonly refresh = output();

  protected readonly submission = new Submission();
  /** The form is open. */
  protected readonly asking = signal(false);
  /** Id of the return that is being withdrawn. */
  protected readonly withdrawing = signal<string | null>(null);

  protected readonly returnable = computed(() => isReturnable(this.order()));

  protected readonly returns = computed(() => {
    const order = this.order();
    const refunds = new Map(this.payment()?.refunds.map((refund) => [refund.refundId, refund]));
    return order.returns.map((each) => ({
      ...each,
      number: returnNumber(each.returnId),
      state: RETURN_STATUS[each.status],
      pieces: piecesOf(each, order),
      outcome: outcomeOf(each, refunds.get(each.returnId)),
    }));
  });

  protected took(order: OrderView): void {
    this.asking.set(false);
    this.changed.emit(order);
    this.heading().nativeElement.focus();
  }

  protected async withdraw(returnId: string): Promise<void> {
    const { orderId } = this.order();
    if (this.submission.pending()) return;
    this.withdrawing.set(returnId);
    const done = await this.submission.run(async () => {
      this.changed.emit(await this.api.invoke(withdrawReturn, { orderId, returnId }));
    });
    this.withdrawing.set(null);
    // The button that had the focus is gone.
    if (done) this.heading().nativeElement.focus();
    else this.refresh.emit();
  }
}

import { Component, inject, input, output, signal } from '@angular/core';
import { Api } from '../../api/api';
import { payRefund } from '../../api/fn/back-office/pay-refund';
import { Money } from '../../api/models';
import { formatMoney, orderNumber } from '../../core/format';
import { Submission } from '../../core/submission';
import { Ask } from '../../office/ask';
import { Field } from '../../ui/field';

/** Says that somebody has given money back by hand. */
@Component({
  selector: 'shop-paid-back',
  imports: [Ask, Field],
  host: { class: 'actions' },
  template: `
    <shop-ask
      label="Paid back"
      [about]="number()"
      [question]="question()"
      verb="It was paid back"
      [submission]="form"
      [act]="pay"
      (done)="paid.emit()"
    >
      <p>Say so once the money is on its way. The shopper gets a mail.</p>
      <shop-field
        label="Reference"
        name="reference"
        hint="Of the transfer, or who has handed it over."
        [maxlength]="120"
        [(value)]="reference"
        [error]="form.error('reference')"
      />
    </shop-ask>
  `,
})
export class PaidBack {
  private readonly api = inject(Api);

  readonly orderId = input.required<string>();
  readonly refundId = input.required<string>();
  readonly amount = input.required<Money>();
  readonly paid = output();

  protected readonly form = new Submission(['reference']);
  protected readonly reference = signal('');

  protected readonly pay = (): Promise<unknown> => {
    const [orderId, refundId] = [this.orderId(), this.refundId()];
    return this.api.invoke(payRefund, { orderId, refundId, body: { reference: this.reference() } });
  };

  protected number(): string {
    return orderNumber(this.orderId());
  }

  protected question(): string {
    return `${formatMoney(this.amount())} of order ${this.number()} was paid back`;
  }
}

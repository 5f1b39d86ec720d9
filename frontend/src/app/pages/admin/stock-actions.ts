import { Component, computed, inject, input, output, signal } from '@angular/core';
import { Api } from '../../api/api';
import { adjustStock } from '../../api/fn/back-office/adjust-stock';
import { putThreshold } from '../../api/fn/back-office/put-threshold';
import { receiveGoods } from '../../api/fn/back-office/receive-goods';
import { AdjustmentReason, NewReceipt, StaffStock } from '../../api/models';
import { Submission } from '../../core/submission';
import { Ask } from '../../office/ask';
import { Once } from '../../office/once';
import { Field } from '../../ui/field';
import { Choice } from './choice';
import { signed } from './movements';

const REASONS: Readonly<Record<AdjustmentReason, string>> = {
  COUNT: 'They were counted',
  DAMAGE: 'They are damaged, and written off',
};

/** What staff do with the stock of a product. */
@Component({
  selector: 'shop-stock-actions',
  imports: [Ask, Choice, Field],
  host: { class: 'actions' },
  template: `
    <shop-ask
      label="Receive"
      [about]="stock().name"
      [question]="'Receive ' + stock().name"
      verb="Receive"
      [submission]="receiving"
      [act]="receive"
      (opened)="quantity.set('')"
    >
      <shop-field
        label="Pieces that have arrived"
        name="quantity"
        inputmode="numeric"
        [maxlength]="7"
        [(value)]="quantity"
        [error]="receiving.error('quantity')"
      />
    </shop-ask>
    <shop-ask
      label="Correct"
      [about]="stock().name"
      [question]="'Correct the stock of ' + stock().name"
      verb="Correct"
      [submission]="adjusting"
      [act]="adjust"
      (opened)="delta.set(''); note.set('')"
    >
      <shop-choice label="Why" name="reason" [of]="reasons" [(value)]="reason" [error]="adjusting.error('reason')" />
      <shop-field
        label="How many more; negative for fewer"
        name="delta"
        [maxlength]="8"
        [hint]="then()"
        [(value)]="delta"
        [error]="adjusting.error('delta')"
      />
      <shop-field
        label="Note"
        name="note"
        hint="For whoever reads the history."
        [optional]="true"
        [maxlength]="500"
        [(value)]="note"
        [error]="adjusting.error('note')"
      />
    </shop-ask>
    @if (threshold()) {
      <shop-ask
        label="Threshold"
        [about]="stock().name"
        [question]="'When does ' + stock().name + ' run low?'"
        verb="Save"
        [submission]="watching"
        [act]="watch"
        (opened)="lowAt.set(stock().lowAt === null ? '' : '' + stock().lowAt)"
      >
        <shop-field
          label="From how many available ones on"
          name="lowAt"
          inputmode="numeric"
          hint="Empty: nobody wants to know."
          [optional]="true"
          [maxlength]="7"
          [(value)]="lowAt"
          [error]="watching.error('lowAt')"
        />
      </shop-ask>
    }
  `,
})
export class StockActions {
  private readonly api = inject(Api);

  readonly stock = input.required<StaffStock>();
  /** Whether the threshold is offered too. */
  readonly threshold = input(false);
  /** The stock after what was done. */
  readonly changed = output<StaffStock>();

  protected readonly reasons = REASONS;
  protected readonly receiving = new Submission(['quantity']);
  protected readonly adjusting = new Submission(['reason', 'delta', 'note']);
  protected readonly watching = new Submission(['lowAt']);
  protected readonly quantity = signal('');
  protected readonly delta = signal('');
  protected readonly reason = signal('COUNT');
  protected readonly note = signal('');
  protected readonly lowAt = signal('');
  private readonly receipt = new Once();
  private readonly adjustment = new Once();

  protected readonly then = computed(() => {
    const { available } = this.stock();
    const delta = wholeOr(this.delta());
    if (typeof delta !== 'number' || !delta) return `${available} are available.`;
    return `${available} are available; ${available + delta} will be (${signed(delta)}).`;
  });

  protected readonly receive = async (): Promise<void> => {
    // What is no number goes to the API as it is, which says so.
    const body = { quantity: wholeOr(this.quantity()) } as NewReceipt;
    const { after } = await this.receipt.run((key) =>
      this.api.invoke(receiveGoods, { ...this.product(), 'Idempotency-Key': key, body }),
    );
    this.changed.emit({ ...this.stock(), ...after });
  };

  protected readonly adjust = async (): Promise<void> => {
    const body = {
      delta: wholeOr(this.delta()) as number,
      reason: this.reason() as AdjustmentReason,
      note: this.note() || null,
    };
    const { after } = await this.adjustment.run((key) =>
      this.api.invoke(adjustStock, { ...this.product(), 'Idempotency-Key': key, body }),
    );
    this.changed.emit({ ...this.stock(), ...after });
  };

  protected readonly watch = async (): Promise<void> => {
    const text = this.lowAt().trim();
    const body = { lowAt: text === '' ? null : (wholeOr(text) as number) };
    this.changed.emit(await this.api.invoke(putThreshold, { ...this.product(), body }));
  };

  private product(): { productId: string } {
    return { productId: this.stock().productId };
  }
}

/** A whole number that was typed, with any kind of minus; else the text itself. */
function wholeOr(text: string): number | string {
  const plain = text.trim().replace(/^[−–]/, '-');
  return /^[+-]?\d+$/.test(plain) ? Number(plain) : text;
}

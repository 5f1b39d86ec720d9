import { Component, computed, inject, input, output, signal, viewChild } from '@angular/core';
import { Api } from '../../api/api';
import { receiveReturn } from '../../api/fn/back-office/receive-return';
import { refuseReturn } from '../../api/fn/back-office/refuse-return';
import { ExpectedReturn, RefusalChoice, ShipmentView } from '../../api/models';
import { returnNumber } from '../../core/returns';
import { Submission } from '../../core/submission';
import { Ask } from '../../office/ask';
import { Field } from '../../ui/field';
import { Choice } from './choice';
import { InspectionTable } from './inspection';
import { REFUSALS, named } from './words';

/** What can be done with a return: take it, or refuse it. */
@Component({
  selector: 'shop-return-actions',
  imports: [Ask, Choice, Field, InspectionTable],
  host: { class: 'actions' },
  template: `
    @if (about().actions.includes('receive')) {
      <shop-ask
        label="Receive"
        [about]="number()"
        [question]="'Receive return ' + number()"
        verb="Receive"
        [submission]="receiving"
        [act]="receive"
      >
        <p>What is taken is given back in money at once. What did not arrive is left out: enter 0.</p>
        <shop-inspection [pieces]="pieces()" />
        @if (receiving.error('lines'); as error) {
          <p class="field-error">{{ error }}</p>
        }
      </shop-ask>
    }
    @if (about().actions.includes('refuse')) {
      <shop-ask
        label="Refuse"
        [about]="number()"
        [question]="'Refuse return ' + number()"
        verb="Refuse"
        [danger]="true"
        [submission]="refusing"
        [act]="refuse"
      >
        <p>Nothing of it is taken, and nothing is given back. The shopper is told why.</p>
        <shop-choice label="Why" name="reason" [of]="refusals" [(value)]="reason" [error]="refusing.error('reason')" />
        <shop-field
          label="Note to the shopper"
          name="note"
          [optional]="true"
          [maxlength]="500"
          [(value)]="note"
          [error]="refusing.error('note')"
        />
      </shop-ask>
    }
  `,
})
export class ReturnActions {
  private readonly api = inject(Api);
  private readonly inspection = viewChild(InspectionTable);

  readonly shipment = input.required<ShipmentView>();
  readonly about = input.required<ExpectedReturn>();
  /** The parcel after what was done. */
  readonly changed = output<ShipmentView>();

  protected readonly refusals = REFUSALS;
  protected readonly number = computed(() => returnNumber(this.about().returnId));
  protected readonly pieces = computed(() => named(this.about().lines, this.shipment().items));

  protected readonly receiving = new Submission(['lines']);
  protected readonly refusing = new Submission(['reason', 'note']);
  protected readonly reason = signal('NEVER_ARRIVED');
  protected readonly note = signal('');

  protected readonly receive = async (): Promise<void> => {
    const body = { lines: [...this.inspection()!.found()] };
    this.changed.emit(await this.api.invoke(receiveReturn, { ...this.ids(), body }));
  };

  protected readonly refuse = async (): Promise<void> => {
    const body = { reason: this.reason() as RefusalChoice, note: this.note() || null };
    this.changed.emit(await this.api.invoke(refuseReturn, { ...this.ids(), body }));
  };

  private ids(): { orderId: string; returnId: string } {
    return { orderId: this.shipment().orderId, returnId: this.about().returnId };
  }
}

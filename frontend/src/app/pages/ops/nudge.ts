import { Component, inject, input, output, signal } from '@angular/core';
import { Api } from '../../api/api';
import { nudgeOrder } from '../../api/fn/operations/nudge-order';
import { counted } from '../../core/format';
import { Form, Submission } from '../../core/submission';
import { Toasts } from '../../core/toasts';
import { Field } from '../../ui/field';
import { FormMessage } from '../../ui/form-message';
import { doneOf } from './words';

let last = 0;

/** Puts the events that somebody may still wait for on the bus again. */
@Component({
  selector: 'shop-nudge',
  imports: [Field, Form, FormMessage],
  template: `
    <button type="button" class="button button-quiet" (click)="dialog.showModal()">
      Nudge …<span class="visually-hidden"> {{ orderId() }}</span>
    </button>
    <dialog #dialog class="dialog" [attr.aria-labelledby]="id" closedby="any">
      <form class="stack" [shopForm]="form" (send)="nudge(dialog)">
        <h2 [id]="id">Nudge this order?</h2>
        <p class="order-number">{{ orderId() }}</p>
        <p>
          The events of the order, its reservation, payment and shipment that somebody may still wait for go on the bus
          again. That is safe: who has done what they say does it no second time.
        </p>
        <shop-form-message [message]="form.message" />
        <shop-field
          label="Reason"
          name="reason"
          hint="It is recorded with your name."
          [maxlength]="500"
          [(value)]="reason"
          [error]="form.error('reason')"
        />
        <div class="actions">
          <button type="submit" class="button" [attr.aria-busy]="form.pending()">Nudge</button>
          <button type="button" class="button button-quiet" (click)="dialog.close()">Not now</button>
        </div>
      </form>
    </dialog>
  `,
})
export class Nudge {
  private readonly api = inject(Api);
  private readonly toasts = inject(Toasts);

  readonly orderId = input.required<string>();
  readonly nudged = output();

  protected readonly id = `nudge-${++last}`;
  protected readonly form = new Submission(['reason']);
  protected readonly reason = signal('');

  protected async nudge(dialog: HTMLDialogElement): Promise<void> {
    const body = { reason: this.reason() };
    await this.form.run(async () => {
      const replay = await this.api.invoke(nudgeOrder, { orderId: this.orderId(), body });
      dialog.close();
      const sent = replay.outcomes['REPLAYED'] ?? 0;
      const link = { text: 'See the record', to: `/ops/replays/${replay.replayId}` };
      if (sent === doneOf(replay)) this.toasts.done(`${counted(sent, 'event')} put on the bus again.`, link);
      else this.toasts.problem(`Only ${sent} of ${counted(doneOf(replay), 'event')} went on the bus again.`);
      this.nudged.emit();
    });
  }
}

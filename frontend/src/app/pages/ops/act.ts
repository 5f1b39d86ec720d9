import { Component, computed, inject, input, linkedSignal, signal } from '@angular/core';
import { Router } from '@angular/router';
import { Api } from '../../api/api';
import { dropDeadLetters } from '../../api/fn/operations/drop-dead-letters';
import { startReplay } from '../../api/fn/operations/start-replay';
import { DropRequest } from '../../api/models';
import { counted } from '../../core/format';
import { Form, Submission } from '../../core/submission';
import { Field } from '../../ui/field';
import { FormMessage } from '../../ui/form-message';

let last = 0;

/** Starts a dry run of dead letters, their replay from the dry run's result, or their drop; each has a page of its own. */
@Component({
  selector: 'shop-act',
  imports: [Field, Form, FormMessage],
  host: { class: 'panel stack' },
  template: `
    <h2>{{ tried() ? 'Do it' : 'Replay or drop' }}: {{ whom() }}</h2>
    @if (hopeless()) {
      <p>
        None of them would succeed: a replay would bring them back. Mend the cause, and try again; or drop them, where
        nobody wants what they ask for any more.
      </p>
    } @else if (tried()) {
      <p>A replay sends each message to the consumer that failed. It includes messages that came after the dry run.</p>
    } @else {
      <p>
        A dry run says what the deployed code would do with each message, and changes nothing. It cannot know whether
        the function has every permission, ends in time, and what a provider answers. You replay from its result.
      </p>
    }
    <form class="stack" [shopForm]="form" (send)="go()">
      <shop-form-message [message]="form.message" />
      <shop-field
        label="Reason"
        name="reason"
        type="text"
        hint="It is recorded with your name."
        [maxlength]="500"
        [(value)]="reason"
        [error]="form.error('reason')"
      />
      @if (tried() && !hopeless()) {
        <shop-field
          class="console-rate"
          label="Messages a second, at the most"
          name="rate"
          inputmode="decimal"
          [maxlength]="6"
          [(value)]="rate"
          [error]="form.error('rate')"
        />
      }
      <div class="actions">
        <button type="submit" class="button" [attr.aria-busy]="form.pending()">
          {{ tried() ? (hopeless() ? 'Dry run again' : 'Replay') : 'Dry run' }}
        </button>
        <button
          type="button"
          class="button button-danger"
          [attr.aria-busy]="form.pending()"
          (click)="dialog.showModal()"
        >
          Drop …
        </button>
      </div>
    </form>
    <dialog #dialog class="dialog" [attr.aria-labelledby]="id" closedby="any">
      <div class="stack">
        <h2 [id]="id">Drop {{ whom() }}?</h2>
        <p>Nobody will handle these messages. Each is kept with its body for 90 days.</p>
        <div class="actions">
          <button type="button" class="button button-danger" (click)="dialog.close(); drop()">Yes, drop</button>
          <button type="button" class="button button-quiet" autofocus (click)="dialog.close()">Keep</button>
        </div>
      </div>
    </dialog>
  `,
})
export class Act {
  private readonly api = inject(Api);
  private readonly router = inject(Router);

  /** Which dead letters. */
  readonly selection = input.required<Omit<DropRequest, 'reason'>>();
  /** How many that is, as far as is known. */
  readonly count = input.required<number>();
  /** This is the result of a dry run. */
  readonly tried = input(false);
  /** How many of them would do something, or nothing, and not fail again: by the dry run, if this is its result. */
  readonly would = input<number | null>(null);
  /** To begin with. */
  readonly because = input('');

  protected readonly id = `act-${++last}`;
  protected readonly form = new Submission(['reason', 'rate']);
  protected readonly reason = linkedSignal(() => this.because());
  protected readonly rate = signal('20');
  protected readonly whom = computed(() => counted(this.count(), 'message'));

  /** The dry run says that each of them would fail again. */
  protected readonly hopeless = computed(() => this.tried() && this.would() === 0);

  protected go(): Promise<void> {
    return this.begin(() => {
      const asked = { ...this.selection(), reason: this.reason() };
      const body =
        this.tried() && !this.hopeless() ? { ...asked, rate: Number(this.rate()) } : { ...asked, dryRun: true };
      return this.api.invoke(startReplay, { body });
    });
  }

  protected drop(): Promise<void> {
    return this.begin(() => this.api.invoke(dropDeadLetters, { body: { ...this.selection(), reason: this.reason() } }));
  }

  private async begin(ask: () => Promise<{ readonly replayId: string }>): Promise<void> {
    await this.form.run(async () => {
      const { replayId } = await ask();
      await this.router.navigate(['/ops/replays', replayId]);
    });
  }
}

import { Component, DestroyRef, inject, input, signal } from '@angular/core';
import { Submission } from '../core/submission';

/** Seconds until a mail may be asked for again: that is how long one takes. */
const PAUSE = 30;

/** "Send another code", not twice within half a minute. */
@Component({
  selector: 'shop-resend',
  host: { class: 'account-other' },
  template: `
    <p>
      No e-mail? Check your spam folder, or
      <button type="button" class="link" [disabled]="pause() > 0" (click)="send()">send another code</button>.
    </p>
    <p role="status">
      @if (submission.problem(); as problem) {
        {{ problem.message }}
      } @else if (pause() > 0) {
        We sent another code. The previous one no longer works.
      }
    </p>
  `,
})
export class Resend {
  /** Asks for the mail. */
  readonly again = input.required<() => Promise<void>>();

  protected readonly submission = new Submission();
  protected readonly pause = signal(0);
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    inject(DestroyRef).onDestroy(() => clearInterval(this.timer));
  }

  protected async send(): Promise<void> {
    if (!(await this.submission.run(this.again()))) return;
    this.pause.set(PAUSE);
    this.timer = setInterval(() => {
      this.pause.update((seconds) => seconds - 1);
      if (this.pause() <= 0) clearInterval(this.timer);
    }, 1_000);
  }
}

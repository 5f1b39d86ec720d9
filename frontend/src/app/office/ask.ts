import { Component, input, output } from '@angular/core';
import { Form, Submission } from '../core/submission';
import { FormMessage } from '../ui/form-message';

let last = 0;

/**
 * A button that asks once before something is done: in a dialog, whose content is what has to be said for it. Where the
 * shop refuses, the dialog stays and says why.
 */
@Component({
  selector: 'shop-ask',
  imports: [Form, FormMessage],
  template: `
    <button
      type="button"
      class="button"
      [class.button-quiet]="!primary() && !danger()"
      [class.button-danger]="danger()"
      (click)="open(dialog)"
    >
      {{ label() }} …
      @if (about()) {
        <span class="visually-hidden"> {{ about() }}</span>
      }
    </button>
    <dialog #dialog class="dialog" [attr.aria-labelledby]="id" closedby="any">
      <form class="stack" [shopForm]="submission()" (send)="go(dialog)">
        <h2 [id]="id">{{ question() }}</h2>
        <ng-content />
        <shop-form-message [message]="submission().message" />
        <div class="actions">
          <button
            type="submit"
            class="button"
            [class.button-danger]="danger()"
            [attr.aria-busy]="submission().pending()"
          >
            {{ submission().pending() ? 'One moment …' : verb() }}
          </button>
          <button type="button" class="button button-quiet" (click)="dialog.close()">Not now</button>
        </div>
      </form>
    </dialog>
  `,
})
export class Ask {
  /** On the button. */
  readonly label = input.required<string>();
  /** What it is about, for those who do not see where the button stands. */
  readonly about = input('');
  readonly question = input.required<string>();
  /** What is done: "Ship", "Cancel the order". */
  readonly verb = input.required<string>();
  readonly primary = input(false);
  readonly danger = input(false);
  readonly submission = input(new Submission());
  /** Does it; throws ApiError. */
  readonly act = input.required<() => Promise<unknown>>();
  /** The dialog opens: what it shows is to be as it is now. */
  readonly opened = output();
  readonly done = output();

  protected readonly id = `ask-${++last}`;

  protected open(dialog: HTMLDialogElement): void {
    this.submission().problem.set(null);
    this.opened.emit();
    dialog.showModal();
  }

  protected async go(dialog: HTMLDialogElement): Promise<void> {
    if (!(await this.submission().run(this.act()))) return;
    dialog.close();
    this.done.emit();
  }
}

import { Component, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Accounts } from '../core/accounts';
import { Heading } from '../core/headings';
import { Form, Submission } from '../core/submission';
import { Field } from '../ui/field';
import { FormMessage } from '../ui/form-message';
import { Resend } from '../ui/resend';

@Component({
  selector: 'shop-confirm-email',
  imports: [Field, Form, FormMessage, Heading, Resend, RouterLink],
  host: { class: 'account' },
  template: `
    <h1 shopHeading>Check your inbox</h1>
    <p class="account-lead">
      @if (known) {
        We sent a 6-digit code to <strong>{{ known }}</strong>. Enter it here to confirm your e-mail address.
      } @else {
        Enter the 6-digit code that we sent you.
      }
    </p>
    <form [shopForm]="form" (send)="send()">
      <shop-form-message [message]="form.message" />
      @if (!known || form.error('email')) {
        <shop-field
          label="E-mail address"
          name="email"
          type="email"
          autocomplete="username"
          [(value)]="email"
          [error]="form.error('email')"
        />
      }
      <shop-field
        class="field-code"
        label="Code"
        name="code"
        inputmode="numeric"
        autocomplete="one-time-code"
        [maxlength]="6"
        [(value)]="code"
        [error]="form.error('code')"
      />
      <button type="submit" class="button" [attr.aria-busy]="form.pending()">Confirm</button>
    </form>
    <shop-resend [again]="resend" />
    <p class="account-other">
      Does the e-mail say that you already have an account?
      <a routerLink="/login" [queryParams]="{ next: next() }">Log in</a>
    </p>
  `,
})
export default class ConfirmEmailPage {
  private readonly accounts = inject(Accounts);

  readonly next = input<string>();

  protected readonly known = this.accounts.email;
  protected readonly form = new Submission(['email', 'code']);
  protected readonly email = signal(this.known);
  protected readonly code = signal('');
  protected readonly resend = () => this.accounts.resendCode(this.email());

  protected async send(): Promise<void> {
    await this.form.run(() => this.accounts.confirm({ email: this.email(), code: this.code() }, this.next()));
  }
}

import { Component, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Accounts } from '../core/accounts';
import { Heading } from '../core/headings';
import { Form, Submission } from '../core/submission';
import { Field } from '../ui/field';
import { FormMessage } from '../ui/form-message';

@Component({
  selector: 'shop-reset-password',
  imports: [Field, Form, FormMessage, Heading, RouterLink],
  host: { class: 'account' },
  template: `
    <h1 shopHeading>Choose a new password</h1>
    <p class="account-lead">
      @if (known) {
        If <strong>{{ known }}</strong> has an account, a 6-digit code is on its way.
      } @else {
        Enter the 6-digit code that we sent you.
      }
    </p>
    <form [shopForm]="form" (send)="send()">
      <shop-form-message [message]="form.message" />
      <shop-field
        label="E-mail address"
        name="email"
        type="email"
        autocomplete="username"
        [(value)]="email"
        [error]="form.error('email')"
      />
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
      <shop-field
        label="New password"
        name="password"
        type="password"
        autocomplete="new-password"
        hint="At least 8 characters, with a capital letter, a small letter and a number. You will be logged out on all other devices."
        [(value)]="password"
        [error]="form.error('password')"
      />
      <button type="submit" class="button" [attr.aria-busy]="form.pending()">Change password</button>
    </form>
    <p class="account-other">
      No code?
      <a routerLink="/forgot-password" [queryParams]="{ next: next() }" [state]="{ email: email() }"
        >Send another one</a
      >
    </p>
  `,
})
export default class ResetPasswordPage {
  private readonly accounts = inject(Accounts);

  readonly next = input<string>();

  protected readonly known = this.accounts.email;
  protected readonly form = new Submission(['email', 'code', 'password']);
  protected readonly email = signal(this.known);
  protected readonly code = signal('');
  protected readonly password = signal('');

  protected async send(): Promise<void> {
    const reset = { email: this.email(), code: this.code(), password: this.password() };
    await this.form.run(() => this.accounts.resetPassword(reset, this.next()));
  }
}

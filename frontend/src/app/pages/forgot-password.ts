import '../../styles/later';
import { Component, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Accounts } from '../core/accounts';
import { Heading } from '../core/headings';
import { Form, Submission } from '../core/submission';
import { Field } from '../ui/field';
import { FormMessage } from '../ui/form-message';

@Component({
  selector: 'shop-forgot-password',
  imports: [Field, Form, FormMessage, Heading, RouterLink],
  host: { class: 'account' },
  template: `
    <h1 shopHeading>Forgot your password?</h1>
    <p class="account-lead">We will e-mail you a 6-digit code. With it you can choose a new password.</p>
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
      <button type="submit" class="button" [attr.aria-busy]="form.pending()">Send code</button>
    </form>
    <p class="account-other">Remembered it? <a routerLink="/login" [queryParams]="{ next: next() }">Log in</a></p>
  `,
})
export default class ForgotPasswordPage {
  private readonly accounts = inject(Accounts);

  readonly next = input<string>();

  protected readonly form = new Submission(['email']);
  protected readonly email = signal(this.accounts.email);

  protected async send(): Promise<void> {
    await this.form.run(() => this.accounts.forgotPassword(this.email(), this.next()));
  }
}

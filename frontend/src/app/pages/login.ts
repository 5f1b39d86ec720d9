import '../../styles/later';
import { Component, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Accounts } from '../core/accounts';
import { cleanedDigits } from '../core/digits';
import { Heading } from '../core/headings';
import { Form, Submission } from '../core/submission';
import { Field } from '../ui/field';
import { FormMessage } from '../ui/form-message';

@Component({
  selector: 'shop-login',
  imports: [Field, Form, FormMessage, Heading, RouterLink],
  host: { class: 'account' },
  template: `
    <h1 shopHeading>Log in</h1>
    @switch (done) {
      @case ('confirmed') {
        <p class="notice" role="status">Your e-mail address is confirmed. Please log in.</p>
      }
      @case ('reset') {
        <p class="notice" role="status">Your password is changed. Please log in with it.</p>
      }
    }
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
        label="Password"
        name="password"
        type="password"
        autocomplete="current-password"
        [(value)]="password"
        [error]="form.error('password')"
      />
      @if (asksForApp()) {
        <shop-field
          class="field-code"
          label="Code of your authenticator app"
          name="appCode"
          inputmode="numeric"
          autocomplete="one-time-code"
          [(value)]="appCode"
          [error]="form.error('appCode')"
        />
      }
      <a
        class="account-aside"
        routerLink="/forgot-password"
        [queryParams]="{ next: next() }"
        [state]="{ email: email() }"
      >
        Forgot your password?
      </a>
      <button type="submit" class="button" [attr.aria-busy]="form.pending()">Log in</button>
    </form>
    <p class="account-other">
      New here? <a routerLink="/register" [queryParams]="{ next: next() }">Create an account</a>
    </p>
  `,
})
export default class LoginPage {
  private readonly accounts = inject(Accounts);

  /** Where the visitor wanted to go. */
  readonly next = input<string>();

  protected readonly done: unknown = (history.state as { done?: unknown } | null)?.done;
  protected readonly form = new Submission(['email', 'password', 'appCode']);
  /** The password was right, and the account asks for more. */
  protected readonly asksForApp = signal(false);
  protected readonly appCode = signal('');
  protected readonly email = signal(this.accounts.email);
  protected readonly password = signal('');

  protected async send(): Promise<void> {
    const appCode = this.asksForApp() ? { appCode: cleanedDigits(this.appCode()) } : {};
    const credentials = { email: this.email(), password: this.password(), ...appCode };
    await this.form.run(() => this.accounts.login(credentials, this.next()));
    if (this.form.problem()?.type === 'second-factor-needed') this.asksForApp.set(true);
  }
}

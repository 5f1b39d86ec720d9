import '../../styles/later';
import { Component, computed, inject, input, linkedSignal, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Accounts, isRefusedCode } from '../core/accounts';
import { Heading } from '../core/headings';
import { Form, Submission } from '../core/submission';
import { Field } from '../ui/field';
import { FormMessage } from '../ui/form-message';
import { Resend } from '../ui/resend';

/**
 * One page for whoever has a code, to confirm a new address or to choose another password. A code that is refused may
 * have been used already, its answer lost; from then on the newest code counts, whatever it was mailed for.
 */
@Component({
  selector: 'shop-enter-code',
  imports: [Field, Form, FormMessage, Heading, Resend, RouterLink],
  host: { class: 'account' },
  template: `
    <h1 shopHeading>{{ isNew() ? 'Check your inbox' : 'Choose a new password' }}</h1>
    <p class="account-lead">
      @if (!known) {
        Enter the newest 6-digit code that we sent you.
      } @else if (isNew()) {
        We sent a 6-digit code to <strong>{{ known }}</strong>. Enter it here, and choose your password.
      } @else {
        If <strong>{{ known }}</strong> has an account, a 6-digit code is on its way.
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
      } @else {
        <!-- For password managers: whose password is chosen here. -->
        <input type="email" name="email" autocomplete="username" [value]="email()" hidden readonly />
      }
      <shop-field
        class="field-code"
        label="Code"
        name="code"
        inputmode="numeric"
        autocomplete="one-time-code"
        [(value)]="code"
        [error]="form.error('code')"
      />
      @if (isNew()) {
        <shop-field label="Name" name="name" autocomplete="name" [(value)]="name" [error]="form.error('name')" />
      }
      <shop-field
        [label]="isNew() ? 'Password' : 'New password'"
        name="password"
        type="password"
        autocomplete="new-password"
        [hint]="hint()"
        [(value)]="password"
        [error]="form.error('password')"
      />
      <button type="submit" class="button" [attr.aria-busy]="form.pending()">
        {{ isNew() ? 'Create account' : 'Change password' }}
      </button>
    </form>
    <shop-resend [again]="resend" />
    <p class="account-other">
      @if (isNew()) {
        Does the e-mail say that you already have an account?
      } @else {
        Remembered it?
      }
      <a routerLink="/login" [queryParams]="{ next: next() }" [state]="{ email: email() }">Log in</a>
    </p>
  `,
})
export default class EnterCodePage {
  private readonly accounts = inject(Accounts);

  readonly next = input<string>();
  /** What the route is for. */
  readonly purpose = input.required<'confirm' | 'reset'>();

  protected readonly isNew = computed(() => this.purpose() === 'confirm');
  protected readonly known = this.accounts.email;
  protected readonly form = new Submission(['email', 'code', 'name', 'password']);
  protected readonly email = signal(this.known);
  protected readonly code = signal('');
  protected readonly name = signal('');
  protected readonly password = signal('');
  protected readonly hint = computed(
    () =>
      'At least 8 characters, with a capital letter, a small letter and a number; or 16 characters of any kind.' +
      (this.isNew() ? '' : ' You will be logged out on all other devices.'),
  );

  private readonly anyCode = linkedSignal(() => !this.isNew());

  protected readonly resend = () =>
    this.anyCode() ? this.accounts.sendCodeThatLeadsIn(this.email()) : this.accounts.resendCode(this.email());

  protected async send(): Promise<void> {
    const entry = { email: this.email(), code: this.code(), name: this.name(), password: this.password() };
    await this.form.run(() =>
      this.anyCode() ? this.accounts.resetPassword(entry, this.next()) : this.accounts.confirm(entry, this.next()),
    );
    if (isRefusedCode(this.form.problem())) this.anyCode.set(true);
  }
}

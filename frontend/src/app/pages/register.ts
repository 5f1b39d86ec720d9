import { Component, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Accounts } from '../core/accounts';
import { Heading } from '../core/headings';
import { Form, Submission } from '../core/submission';
import { Field } from '../ui/field';
import { FormMessage } from '../ui/form-message';

@Component({
  selector: 'shop-register',
  imports: [Field, Form, FormMessage, Heading, RouterLink],
  host: { class: 'account' },
  template: `
    <h1 shopHeading>Create an account</h1>
    <p class="account-lead">So that you can order, and follow your orders. We keep what is in your cart.</p>
    <form [shopForm]="form" (send)="send()">
      <shop-form-message [message]="form.message" />
      <shop-field label="Name" name="name" autocomplete="name" [(value)]="name" [error]="form.error('name')" />
      <shop-field
        label="E-mail address"
        name="email"
        type="email"
        autocomplete="username"
        hint="We will send you a code to confirm it."
        [(value)]="email"
        [error]="form.error('email')"
      />
      <shop-field
        label="Password"
        name="password"
        type="password"
        autocomplete="new-password"
        hint="At least 8 characters, with a capital letter, a small letter and a number."
        [(value)]="password"
        [error]="form.error('password')"
      />
      <button type="submit" class="button" [attr.aria-busy]="form.pending()">Create account</button>
    </form>
    <p class="account-other">
      Already have an account? <a routerLink="/login" [queryParams]="{ next: next() }">Log in</a>
    </p>
  `,
})
export default class RegisterPage {
  private readonly accounts = inject(Accounts);

  readonly next = input<string>();

  protected readonly form = new Submission(['name', 'email', 'password']);
  protected readonly name = signal('');
  protected readonly email = signal('');
  protected readonly password = signal('');

  protected async send(): Promise<void> {
    const registration = { name: this.name(), email: this.email(), password: this.password() };
    await this.form.run(() => this.accounts.register(registration, this.next()));
  }
}

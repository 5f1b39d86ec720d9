import '../../styles/later';
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
      <shop-field
        label="E-mail address"
        name="email"
        type="email"
        autocomplete="username"
        hint="We will send you a code. With it you choose your password."
        [(value)]="email"
        [error]="form.error('email')"
      />
      <button type="submit" class="button" [attr.aria-busy]="form.pending()">Send code</button>
    </form>
    <p class="account-other">
      Already have an account? <a routerLink="/login" [queryParams]="{ next: next() }">Log in</a>
    </p>
  `,
})
export default class RegisterPage {
  private readonly accounts = inject(Accounts);

  readonly next = input<string>();

  protected readonly form = new Submission(['email']);
  protected readonly email = signal(this.accounts.email);

  protected async send(): Promise<void> {
    await this.form.run(() => this.accounts.register(this.email(), this.next()));
  }
}

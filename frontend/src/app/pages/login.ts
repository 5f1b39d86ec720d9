import '../../styles/later';
import { Component, computed, inject, input, signal } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../api/api';
import { beGuest } from '../api/fn/guests/be-guest';
import { Accounts } from '../core/accounts';
import { cleanedDigits } from '../core/digits';
import { safeNext } from '../core/guards';
import { Heading } from '../core/headings';
import { PaymentMethods } from '../core/payment-methods';
import { Session } from '../core/session';
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
    @if (forOrder()) {
      <section class="account-guest" aria-labelledby="guest">
        <h2 id="guest">No account?</h2>
        <p>You can order with your e-mail address alone, and create an account later.</p>
        <shop-form-message [message]="guestForm.message" />
        <button
          type="button"
          class="button button-quiet"
          [attr.aria-busy]="guestForm.pending()"
          (click)="checkOutAsGuest()"
        >
          Check out as a guest
        </button>
      </section>
    }
    <p class="account-other">
      New here? <a routerLink="/register" [queryParams]="{ next: next() }">Create an account</a>
    </p>
  `,
})
export default class LoginPage {
  private readonly accounts = inject(Accounts);
  private readonly api = inject(Api);
  private readonly methods = inject(PaymentMethods);
  private readonly router = inject(Router);
  private readonly session = inject(Session);

  /** Where the visitor wanted to go. */
  readonly next = input<string>();

  protected readonly done: unknown = (history.state as { done?: unknown } | null)?.done;
  protected readonly form = new Submission(['email', 'password', 'appCode']);
  /** The password was right, and the account asks for more. */
  protected readonly asksForApp = signal(false);
  protected readonly appCode = signal('');
  protected readonly email = signal(this.accounts.email);
  protected readonly password = signal('');

  /** Whoever wants to order may do so without an account, by card: cash needs one. */
  protected readonly forOrder = computed(
    () => this.next()?.startsWith('/checkout') && (this.methods.offered()?.includes('CARD') ?? false),
  );
  protected readonly guestForm = new Submission();

  constructor() {
    void this.methods.load();
  }

  protected async checkOutAsGuest(): Promise<void> {
    const known = await this.guestForm.run(async () => this.session.beGuest((await this.api.invoke(beGuest)).guestId));
    if (known) await this.router.navigateByUrl(safeNext(this.next()), { replaceUrl: true });
  }

  protected async send(): Promise<void> {
    const appCode = this.asksForApp() ? { appCode: cleanedDigits(this.appCode()) } : {};
    const credentials = { email: this.email(), password: this.password(), ...appCode };
    await this.form.run(() => this.accounts.login(credentials, this.next()));
    if (this.form.problem()?.type === 'second-factor-needed') this.asksForApp.set(true);
  }
}

import '../../styles/later';
import { Component, computed, inject, signal } from '@angular/core';
import { Router } from '@angular/router';
import { Api } from '../api/api';
import { beginSecondFactor } from '../api/fn/auth/begin-second-factor';
import { finishSecondFactor } from '../api/fn/auth/finish-second-factor';
import { SecondFactorSecret } from '../api/models';
import { cleanedDigits } from '../core/digits';
import { Heading } from '../core/headings';
import { Session } from '../core/session';
import { Form, Submission } from '../core/submission';
import { Toasts } from '../core/toasts';
import { Field } from '../ui/field';
import { FormMessage } from '../ui/form-message';

/** Protects an account by an authenticator app; colleagues get their rights only then. */
@Component({
  selector: 'shop-second-factor',
  imports: [Field, Form, FormMessage, Heading],
  host: { class: 'account' },
  template: `
    <h1 shopHeading>Protect your account</h1>
    <p class="account-lead">
      With an authenticator app on your phone, nobody can log in with your password alone. You need its code each time
      that you log in.
    </p>
    @if (secret()) {
      <p>
        <a class="button" [href]="uri()">Open your authenticator app</a>
      </p>
      <p>
        Or enter this key in the app, as a time-based one: <strong class="secret">{{ grouped() }}</strong>
      </p>
      <form [shopForm]="form" (send)="finish()">
        <shop-form-message [message]="form.message" />
        <shop-field
          class="field-code"
          label="Code that the app shows"
          name="appCode"
          inputmode="numeric"
          autocomplete="one-time-code"
          [(value)]="appCode"
          [error]="form.error('appCode')"
        />
        <button type="submit" class="button" [attr.aria-busy]="form.pending()">Protect my account</button>
      </form>
    } @else {
      <form [shopForm]="form" (send)="begin()">
        <shop-form-message [message]="form.message" />
        <shop-field
          label="Your password"
          name="password"
          type="password"
          autocomplete="current-password"
          [(value)]="password"
          [error]="form.error('password')"
        />
        <button type="submit" class="button" [attr.aria-busy]="form.pending()">Continue</button>
      </form>
    }
  `,
})
export default class SecondFactorPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly session = inject(Session);
  private readonly toasts = inject(Toasts);

  protected readonly form = new Submission(['password', 'appCode']);
  protected readonly password = signal('');
  protected readonly appCode = signal('');
  protected readonly secret = signal<SecondFactorSecret | null>(null);
  protected readonly uri = computed(() => this.secret()?.uri);
  protected readonly grouped = computed(() => this.secret()?.secret.replace(/(.{4})(?=.)/g, '$1 '));

  protected async begin(): Promise<void> {
    await this.form.run(async () => {
      this.secret.set(await this.api.invoke(beginSecondFactor, { body: { password: this.password() } }));
    });
  }

  protected async finish(): Promise<void> {
    await this.form.run(async () => {
      const body = { password: this.password(), appCode: cleanedDigits(this.appCode()) };
      await this.api.invoke(finishSecondFactor, { body });
      // A colleague's groups are in the next token.
      await this.session.refresh();
      this.toasts.done('Your account is protected.');
      await this.router.navigateByUrl('/');
    });
  }
}

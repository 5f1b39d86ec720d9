import { Component, inject, signal } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { changePassword } from '../../api/fn/account/change-password';
import { logOutEverywhere } from '../../api/fn/account/log-out-everywhere';
import { Heading } from '../../core/headings';
import { ApiError } from '../../core/problem';
import { Session } from '../../core/session';
import { Form, Submission } from '../../core/submission';
import { Toasts } from '../../core/toasts';
import { Field } from '../../ui/field';
import { FormMessage } from '../../ui/form-message';

@Component({
  selector: 'shop-security',
  imports: [Field, Form, FormMessage, Heading, RouterLink],
  host: { class: 'account-page' },
  template: `
    <h1 shopHeading>Security</h1>
    <section aria-labelledby="password">
      <h2 id="password">Password</h2>
      <form [shopForm]="form" (send)="change()">
        <shop-form-message [message]="form.message" />
        <!-- For password managers: whose password is changed. -->
        <input type="email" name="email" autocomplete="username" [value]="session.user()?.email" hidden readonly />
        <shop-field
          label="Your password"
          name="password"
          type="password"
          autocomplete="current-password"
          [(value)]="password"
          [error]="form.error('password')"
        />
        <shop-field
          label="New password"
          name="newPassword"
          type="password"
          autocomplete="new-password"
          hint="At least 8 characters, with a capital letter, a small letter and a number; or 16 characters of any kind. You will be logged out on all other devices."
          [(value)]="newPassword"
          [error]="form.error('newPassword')"
        />
        <button type="submit" class="button" [attr.aria-busy]="form.pending()">Change password</button>
      </form>
    </section>
    <section aria-labelledby="factor">
      <h2 id="factor">Authenticator app</h2>
      <p>With an authenticator app on your phone, nobody can log in with your password alone.</p>
      <a class="button button-quiet" routerLink="/second-factor">Protect your account</a>
    </section>
    <section aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      <p>
        Have you lost a device, or forgotten to log out somewhere? We log you out on every device, this one as well. A
        device that is in use just now may stay logged in for five more minutes.
      </p>
      <shop-form-message [message]="everywhere.message" />
      <button
        type="button"
        class="button button-quiet"
        [attr.aria-busy]="everywhere.pending()"
        (click)="logOutEverywhere()"
      >
        Log out everywhere
      </button>
    </section>
  `,
})
export default class SecurityPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);
  protected readonly session = inject(Session);

  protected readonly form = new Submission(['password', 'newPassword']);
  protected readonly everywhere = new Submission();
  protected readonly password = signal('');
  protected readonly newPassword = signal('');

  protected async change(): Promise<void> {
    const email = this.session.user()?.email ?? '';
    const password = this.newPassword();
    const changed = await this.form.run(() =>
      this.api.invoke(changePassword, { body: { password: this.password(), newPassword: password } }),
    );
    if (!changed) return;
    this.password.set('');
    this.newPassword.set('');
    try {
      // Every session is over, and this device goes on with a new one.
      await this.session.login({ email, password });
      this.toasts.done('Your password is changed. You are logged out on all other devices.');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.session.logout().catch(() => undefined);
      const queryParams = { next: '/account/security' };
      await this.router.navigate(['/login'], { queryParams, state: { email, done: 'reset' } });
    }
  }

  protected async logOutEverywhere(): Promise<void> {
    const done = await this.everywhere.run(() => this.api.invoke(logOutEverywhere));
    if (!done) return;
    await this.router.navigateByUrl('/');
    // The cookie is gone; this page forgets its token.
    await this.session.logout().catch(() => undefined);
    this.toasts.done('You are now logged out on every device.');
  }
}

import { Injectable, inject } from '@angular/core';
import { Router } from '@angular/router';
import { Api } from '../api/api';
import { confirm } from '../api/fn/auth/confirm';
import { forgotPassword } from '../api/fn/auth/forgot-password';
import { registerAddress } from '../api/fn/auth/register-address';
import { resendCode } from '../api/fn/auth/resend-code';
import { resetPassword } from '../api/fn/auth/reset-password';
import { Confirmation, Credentials, PasswordReset, Registration } from '../api/models';
import { safeNext } from './guards';
import { ApiError } from './problem';
import { Session } from './session';
import { Toasts } from './toasts';

const DONE = {
  confirmed: 'Your e-mail address is confirmed. Welcome!',
  reset: 'Your password is changed, and you are logged in.',
};

/**
 * The way to an account, over several pages: who has just chosen a password need not type it again once the address is
 * confirmed. It is remembered in memory only, until then.
 */
@Injectable({ providedIn: 'root' })
export class Accounts {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly session = inject(Session);
  private readonly toasts = inject(Toasts);
  private waiting: Credentials | null = null;

  /** The address that the page before was about; it survives a reload, and does not stand in the address bar. */
  get email(): string {
    const email: unknown = (history.state as { email?: unknown } | null)?.email;
    return typeof email === 'string' ? email : '';
  }

  /** Log in; for an address that was never confirmed, mail another code and go where it is asked for. */
  async login(credentials: Credentials, next: string | undefined): Promise<void> {
    try {
      await this.session.login(credentials);
    } catch (error) {
      if (!(error instanceof ApiError) || error.type !== 'email-not-confirmed') throw error;
      await this.resendCode(credentials.email);
      await this.askForCode(credentials, next);
      return;
    }
    await this.arrive(next);
  }

  async register(registration: Registration, next: string | undefined): Promise<void> {
    const { email } = await this.api.invoke(registerAddress, { body: registration });
    await this.askForCode({ email, password: registration.password }, next);
  }

  async resendCode(email: string): Promise<void> {
    await this.api.invoke(resendCode, { body: { email } });
  }

  /** Confirm an address; then its owner is logged in, if the password is still known, or asked for it. */
  async confirm(confirmation: Confirmation, next: string | undefined): Promise<void> {
    await this.api.invoke(confirm, { body: confirmation });
    const credentials = this.waiting;
    this.waiting = null;
    await this.enter(credentials?.email === confirmation.email.trim().toLowerCase() ? credentials : null, {
      email: confirmation.email,
      next,
      done: 'confirmed',
    });
  }

  async forgotPassword(email: string, next: string | undefined): Promise<void> {
    await this.api.invoke(forgotPassword, { body: { email } });
    await this.router.navigate(['/reset-password'], { queryParams: { next }, state: { email } });
  }

  async resetPassword(reset: PasswordReset, next: string | undefined): Promise<void> {
    await this.api.invoke(resetPassword, { body: reset });
    await this.enter(reset, { email: reset.email, next, done: 'reset' });
  }

  private async askForCode(credentials: Credentials, next: string | undefined): Promise<void> {
    this.waiting = { ...credentials, email: credentials.email.trim().toLowerCase() };
    await this.router.navigate(['/confirm-email'], { queryParams: { next }, state: { email: credentials.email } });
  }

  private async enter(
    credentials: Credentials | null,
    { email, next, done }: { email: string; next: string | undefined; done: keyof typeof DONE },
  ): Promise<void> {
    try {
      if (!credentials) throw new ApiError(401, 'unauthorized', '');
      await this.session.login({ email: credentials.email, password: credentials.password });
    } catch (error) {
      // What was asked for is done; logging in is a step of its own.
      if (!(error instanceof ApiError)) throw error;
      await this.router.navigate(['/login'], { queryParams: { next }, state: { email, done } });
      return;
    }
    this.toasts.done(DONE[done]);
    await this.arrive(next);
  }

  /** Back from there does not lead to a log-in page again, which would only send on whoever is logged in. */
  private async arrive(next: string | undefined): Promise<void> {
    await this.router.navigateByUrl(safeNext(next), { replaceUrl: true });
  }
}

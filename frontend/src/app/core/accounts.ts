import { Injectable, inject } from '@angular/core';
import { Router } from '@angular/router';
import { Api } from '../api/api';
import { confirm } from '../api/fn/auth/confirm';
import { forgotPassword } from '../api/fn/auth/forgot-password';
import { registerAddress } from '../api/fn/auth/register-address';
import { resendCode } from '../api/fn/auth/resend-code';
import { resetPassword } from '../api/fn/auth/reset-password';
import { Credentials } from '../api/models';
import { cleanedDigits } from './digits';
import { safeNext } from './guards';
import { ApiError } from './problem';
import { Session } from './session';
import { Toasts } from './toasts';

const DONE = {
  confirmed: 'Your e-mail address is confirmed. Welcome!',
  reset: 'Your password is changed, and you are logged in.',
};

/** What was entered with a code. */
export interface CodeEntry extends Credentials {
  readonly code: string;
  /** Of a new account; empty where the account has a name. */
  readonly name: string;
}

/** The way to an account, over several pages. */
@Injectable({ providedIn: 'root' })
export class Accounts {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly session = inject(Session);
  private readonly toasts = inject(Toasts);

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
      await this.askForCode('/confirm-email', credentials.email, next);
      return;
    }
    await this.arrive(next);
  }

  async register(email: string, next: string | undefined): Promise<void> {
    await this.api.invoke(registerAddress, { body: { email } });
    await this.askForCode('/confirm-email', email, next);
  }

  async resendCode(email: string): Promise<void> {
    await this.api.invoke(resendCode, { body: { email } });
  }

  async forgotPassword(email: string, next: string | undefined): Promise<void> {
    await this.sendCodeThatLeadsIn(email);
    await this.askForCode('/reset-password', email, next);
  }

  /** Mail the code that an address needs now, to be confirmed or for another password. */
  async sendCodeThatLeadsIn(email: string): Promise<void> {
    await this.api.invoke(forgotPassword, { body: { email } });
  }

  /** Make a new account of an address with the code that was mailed; then its owner is logged in. */
  confirm(entry: CodeEntry, next: string | undefined): Promise<void> {
    const { email, password, name } = entry;
    const body = { email, password, name, code: cleanedDigits(entry.code) };
    return this.enterCode(entry, 'confirmed', next, () => this.api.invoke(confirm, { body }));
  }

  /** Choose a password by the newest code that was mailed, whatever for; then the account's owner is logged in. */
  resetPassword(entry: CodeEntry, next: string | undefined): Promise<void> {
    const { email, password, name } = entry;
    const body = { email, password, code: cleanedDigits(entry.code), ...(name && { name }) };
    return this.enterCode(entry, name ? 'confirmed' : 'reset', next, () => this.api.invoke(resetPassword, { body }));
  }

  private async enterCode(
    { email, password }: CodeEntry,
    done: keyof typeof DONE,
    next: string | undefined,
    work: () => Promise<unknown>,
  ): Promise<void> {
    let refusal: ApiError | null = null;
    try {
      await work();
    } catch (error) {
      if (!isRefusedCode(error)) throw error;
      // The same code may have worked a moment ago, and only its answer was lost. Then the password is the account's.
      refusal = error;
    }
    try {
      await this.session.login({ email, password });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Only who has the right password is asked for the second factor.
      if (refusal && error.type !== 'second-factor-needed') throw refusal;
      // What was asked for is done; logging in is a step of its own.
      await this.router.navigate(['/login'], { queryParams: { next }, state: { email, done } });
      return;
    }
    this.toasts.done(DONE[done]);
    await this.arrive(next);
  }

  private async askForCode(page: string, email: string, next: string | undefined): Promise<void> {
    await this.router.navigate([page], { queryParams: { next }, state: { email } });
  }

  /** Back from there does not lead to a log-in page again, which would only send on whoever is logged in. */
  private async arrive(next: string | undefined): Promise<void> {
    await this.router.navigateByUrl(safeNext(next), { replaceUrl: true });
  }
}

/** Whether the code is all that was wrong. */
export function isRefusedCode(error: unknown): error is ApiError {
  return error instanceof ApiError && error.fields.size === 1 && error.fields.has('code');
}

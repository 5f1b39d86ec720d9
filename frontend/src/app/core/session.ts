import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';
import { Api } from '../api/api';
import { login } from '../api/fn/auth/login';
import { logout } from '../api/fn/auth/logout';
import { refresh } from '../api/fn/auth/refresh';
import { Credentials, Session as Tokens } from '../api/models';
import { aloneInBrowser } from './locks';
import { ApiError } from './problem';
import { onRecovery } from './recovery';
import { storage } from './storage';

/**
 * Says that this browser has a refresh cookie, which no script can see. It is no secret and proves nothing: without it
 * a visitor who never logged in would be refused a refresh at each start.
 */
const HINT = 'cloudretail.session';

/** The lock of this browser's tabs: one of them refreshes at a time. */
const REFRESH = 'cloudretail.refresh';

/** Seconds before its end that a token is replaced. */
const EARLY = 15;

/**
 * Who is logged in. The ID token lives here, in memory, and nowhere else; a reload gets another one by the refresh
 * cookie.
 */
@Injectable({ providedIn: 'root' })
export class Session {
  private readonly api = inject(Api);
  private readonly tokens = signal<Tokens | null>(null);
  private refreshing: Promise<boolean> | null = null;
  /** Counts logins and logouts, so that the answer to a refresh that began before one of them is dropped. */
  private epoch = 0;
  /** By `performance.now()`, which no change of the clock moves. */
  private freshUntil = 0;

  readonly user = computed(() => this.tokens()?.user ?? null);
  readonly userId = computed(() => this.user()?.userId ?? null);
  readonly signedIn = computed(() => this.user() !== null);
  /** In a group, whose rights wait until the account is protected by an authenticator app. */
  readonly needsSecondFactor = computed(() => this.user()?.groups.includes('second-factor-needed') ?? false);
  readonly isOperator = computed(() => this.user()?.groups.includes('operators') ?? false);
  readonly isStaff = computed(() => this.user()?.groups.includes('staff') ?? false);
  /** The session ended by itself: it ran out, or another tab logged out. */
  readonly expired = signal(false);
  /** True until it is known whether the visitor of before a reload is still logged in. */
  readonly restoring = signal(storage.get(HINT) !== null);

  constructor() {
    // The shop did not answer at the start.
    onRecovery(
      () => !this.signedIn() && !this.restoring() && storage.get(HINT) !== null,
      () => void this.restore().catch(() => undefined),
    );
    // Another tab logged in or out: this one follows.
    const unsubscribe = storage.onChangeElsewhere(HINT, () => {
      if (storage.get(HINT) === null) this.end({ byItself: true });
      else if (!this.signedIn()) this.restore().catch(() => undefined);
    });
    inject(DestroyRef).onDestroy(unsubscribe);
  }

  /** The API's bearer; null for a guest. */
  get idToken(): string | null {
    return this.tokens()?.idToken ?? null;
  }

  /**
   * Log in.
   *
   * @throws {ApiError} `wrong-credentials`, `email-not-confirmed`, `password-reset-required`, `second-factor-needed`, or the shop cannot answer.
   */
  async login(credentials: Credentials): Promise<void> {
    const tokens = await this.api.invoke(login, { body: credentials });
    this.epoch++;
    this.begin(tokens);
  }

  /**
   * Log out: this page forgets everything at once, whatever the shop answers.
   *
   * @throws {ApiError} the shop could not be reached, so that the session lasts until it runs out.
   */
  async logout(): Promise<void> {
    this.end({ byItself: false });
    await this.api.invoke(logout);
  }

  /**
   * Log in again by the cookie of before a reload, if there is one.
   *
   * @returns whether somebody is logged in.
   * @throws {ApiError} it cannot be known now: the shop does not answer.
   */
  async restore(): Promise<boolean> {
    if (this.signedIn()) return true;
    if (storage.get(HINT) === null) {
      this.restoring.set(false);
      return false;
    }
    this.restoring.set(true);
    try {
      return await this.refresh();
    } finally {
      this.restoring.set(false);
    }
  }

  /**
   * Get another ID token by the cookie. However many ask at once, the shop is asked once.
   *
   * @returns whether there is one; if not, the session is over and forgotten.
   * @throws {ApiError} the shop does not answer; the session stays as it is.
   */
  refresh(): Promise<boolean> {
    this.refreshing ??= this.renew().finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  /** Whether the token has run out, or will before an answer could come. */
  get stale(): boolean {
    return this.signedIn() && performance.now() > this.freshUntil;
  }

  private async renew(): Promise<boolean> {
    const epoch = this.epoch;
    try {
      // Each refresh replaces the cookie: two at once, from two tabs, and the slower one would come with a spent one.
      const tokens = await aloneInBrowser(REFRESH, () => this.tokensByCookie());
      if (epoch === this.epoch) this.begin(tokens);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      if (epoch === this.epoch) this.end({ byItself: true });
    }
    return this.signedIn();
  }

  private async tokensByCookie(): Promise<Tokens> {
    try {
      return await this.api.invoke(refresh);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      // Another tab may have logged in meanwhile, or replaced the cookie where tabs cannot wait for each other: nobody is
      // logged out before the cookie was tried as it is now.
      return await this.api.invoke(refresh);
    }
  }

  private begin(tokens: Tokens): void {
    this.expired.set(false);
    this.freshUntil = performance.now() + (tokens.expiresIn - EARLY) * 1_000;
    this.tokens.set(tokens);
    this.restoring.set(false);
    storage.set(HINT, 'yes');
  }

  private end({ byItself }: { byItself: boolean }): void {
    this.epoch++;
    this.expired.set(byItself && this.signedIn());
    this.tokens.set(null);
    this.restoring.set(false);
    storage.set(HINT, null);
  }
}

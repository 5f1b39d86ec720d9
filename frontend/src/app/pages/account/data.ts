import { Component, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { deleteAccount } from '../../api/fn/account/delete-account';
import { exportData } from '../../api/fn/account/export-data';
import { previewDeletion } from '../../api/fn/account/preview-deletion';
import { DeletionView, AwaitedOrder } from '../../api/models';
import { Heading } from '../../core/headings';
import { resource } from '../../core/recovery';
import { Session } from '../../core/session';
import { Form, Submission } from '../../core/submission';
import { Field } from '../../ui/field';
import { FormMessage } from '../../ui/form-message';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { TakeFocus } from '../../ui/take-focus';
import { WhenPipe } from '../../ui/when.pipe';

/** What an order keeps its person for. */
const REASONS: Readonly<Record<AwaitedOrder['reason'], string>> = {
  ORDER: 'is on its way, or being returned',
  REFUND: 'has a refund on its way to you',
  RETURN_PERIOD: 'can be sent back',
};

/** What the shop keeps of a person: all of it in a file, and the end of it. */
@Component({
  selector: 'shop-data',
  imports: [Field, Form, FormMessage, Heading, Problem, RouterLink, Skeleton, TakeFocus, WhenPipe],
  host: { class: 'account-page' },
  template: `
    @if (deleted(); as deleted) {
      <h1 shopHeading shopTakeFocus>Your account is closed</h1>
      <p>
        You are logged out on every device, and nobody can log in to your account any more. We erase what we keep of you
        now: your name, your e-mail address, your addresses and your cart.
      </p>
      @if (deleted.waitsFor.length) {
        <p>
          These orders still need your name and address. We erase those once they are done; until then you get e-mails
          about them.
        </p>
        <ul class="waits">
          @for (wait of deleted.waitsFor; track wait.orderId) {
            <li>
              Order {{ wait.number }} {{ reasons[wait.reason] }}
              @if (wait.until; as until) {
                until {{ until | when }}
              }
            </li>
          }
        </ul>
      }
      <a class="button" routerLink="/">Back to the shop</a>
    } @else {
      <h1 shopHeading>Your data</h1>
      <section aria-labelledby="export">
        <h2 id="export">A copy of your data</h2>
        <p>
          All that we keep of you in one file: your account, addresses and cart, your orders with their payments and
          parcels, and which e-mails we sent you.
        </p>
        <shop-form-message [message]="copy.message" />
        <button type="button" class="button button-quiet" [attr.aria-busy]="copy.pending()" (click)="download()">
          {{ copy.pending() ? 'Collecting …' : 'Download' }}
        </button>
      </section>
      <section aria-labelledby="deletion">
        <h2 id="deletion">Delete your account</h2>
        <p>
          We log you out everywhere at once, and erase your name, e-mail address, addresses and cart. What you ordered,
          when, and for how much the law makes us keep, without you. This cannot be taken back.
        </p>
        @if (waits.hasValue()) {
          @if (waits.value().waitsFor.length) {
            <p>We can only erase these once they are done:</p>
            <ul class="waits">
              @for (wait of waits.value().waitsFor; track wait.orderId) {
                <li>
                  <a [routerLink]="['/orders', wait.orderId]">Order {{ wait.number }}</a> {{ reasons[wait.reason] }}
                  @if (wait.until; as until) {
                    until {{ until | when }}
                  }
                </li>
              }
            </ul>
          } @else {
            <p>None of your orders waits for anything: your data will be erased within some minutes.</p>
          }
        } @else if (waits.error(); as problem) {
          <shop-problem [error]="problem" (retry)="waits.reload()" />
        } @else {
          <shop-skeleton height="3rem" />
        }
        <form [shopForm]="form" (send)="leave()">
          <shop-form-message [message]="form.message" />
          <input type="email" name="email" autocomplete="username" [value]="session.user()?.email" hidden readonly />
          <shop-field
            label="Your password"
            name="password"
            type="password"
            autocomplete="current-password"
            [(value)]="password"
            [error]="form.error('password')"
          />
          <button type="submit" class="button button-danger" [attr.aria-busy]="form.pending()">
            Delete my account
          </button>
        </form>
      </section>
    }
  `,
})
export default class DataPage {
  private readonly api = inject(Api);
  protected readonly session = inject(Session);

  protected readonly reasons = REASONS;
  protected readonly copy = new Submission();
  protected readonly form = new Submission(['password']);
  protected readonly password = signal('');
  protected readonly waits = resource({ loader: () => this.api.invoke(previewDeletion) });
  /** What came of it; null as long as the account is there. */
  protected readonly deleted = signal<DeletionView | null>(null);

  protected async download(): Promise<void> {
    await this.copy.run(async () => {
      const pages = [await this.api.invoke(exportData)];
      for (let cursor = pages[0]!.nextCursor; cursor; cursor = pages.at(-1)!.nextCursor) {
        pages.push(await this.api.invoke(exportData, { cursor }));
      }
      const [first] = pages;
      const all = {
        account: first!.account,
        addresses: first!.addresses,
        cart: first!.cart,
        orders: pages.flatMap(({ orders }) => orders),
        payments: pages.flatMap(({ payments }) => payments),
        shipments: pages.flatMap(({ shipments }) => shipments),
        mails: pages.flatMap(({ mails }) => mails),
      };
      const url = URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)], { type: 'application/json' }));
      const link = document.createElement('a');
      link.href = url;
      link.download = 'cloudretail-my-data.json';
      link.click();
      URL.revokeObjectURL(url);
    });
  }

  protected async leave(): Promise<void> {
    await this.form.run(async () => {
      const deleted = await this.api.invoke(deleteAccount, { body: { password: this.password() } });
      this.password.set('');
      this.deleted.set(deleted);
      // The cookie is gone, and the session over; this page forgets its token.
      await this.session.logout().catch(() => undefined);
    });
  }
}

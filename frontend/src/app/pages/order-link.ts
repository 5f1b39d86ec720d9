import '../../styles/later';
import { Component, inject } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../api/api';
import { beGuest } from '../api/fn/guests/be-guest';
import { exchangeLink } from '../api/fn/guests/exchange-link';
import { Heading } from '../core/headings';
import { Session } from '../core/session';
import { Submission } from '../core/submission';
import { Icon } from '../ui/icon';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';

/** Where the link of a mail leads to: the shop takes the link for a cookie, and the order's page follows. */
@Component({
  selector: 'shop-order-link',
  imports: [Heading, Icon, Problem, RouterLink, Skeleton],
  host: { class: 'wrap stack' },
  template: `
    <h1 shopHeading>Your order</h1>
    @if (exchange.problem(); as problem) {
      @if (problem.mayPass) {
        <shop-problem [error]="problem" (retry)="open()" />
      } @else {
        <div class="notice notice-problem" role="alert">
          <shop-icon name="alert" />
          <p>{{ problem.message }}</p>
        </div>
      }
      <div class="actions">
        <a class="button" routerLink="/login" [queryParams]="{ next: '/orders' }">Log in</a>
        <a class="button button-quiet" routerLink="/contact">Contact us</a>
      </div>
    } @else {
      <div aria-busy="true">
        <p class="visually-hidden" role="status">Opening your order</p>
        <shop-skeleton height="18rem" />
      </div>
    }
  `,
})
export default class OrderLinkPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly session = inject(Session);

  protected readonly exchange = new Submission();
  private readonly link = location.hash.slice(1);

  constructor() {
    void this.open();
  }

  protected async open(): Promise<void> {
    await this.exchange.run(async () => {
      const { orderId } = await this.api.invoke(exchangeLink, { body: { link: this.link || '-' } });
      // An account's own pages do not show a guest's order before it was taken over.
      const signedIn = await this.session.restore();
      if (!signedIn) this.session.beGuest((await this.api.invoke(beGuest)).guestId);
      await this.router.navigate(signedIn ? ['/orders'] : ['/orders', orderId], { replaceUrl: true });
    });
  }
}

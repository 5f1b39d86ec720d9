import { Component } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Icon } from './icon';

/** What a guest gains by an account. */
@Component({
  selector: 'shop-account-offer',
  imports: [Icon, RouterLink],
  template: `
    <div class="notice">
      <shop-icon name="person" />
      <div class="notice-text">
        <h2>Keep this order in an account</h2>
        <p>
          With an account you can follow your orders everywhere, and send something back. Create one with the e-mail
          address of this order.
        </p>
      </div>
      <a class="button button-quiet" routerLink="/register" [queryParams]="{ next: '/orders' }">Create an account</a>
    </div>
  `,
})
export class AccountOffer {}

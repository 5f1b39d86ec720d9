import { Component, inject } from '@angular/core';
import { RouterLink, RouterOutlet } from '@angular/router';
import { CurrentUrl } from '../../core/current-url';

/** The way from page to page of an account. */
@Component({
  selector: 'shop-account-frame',
  imports: [RouterLink, RouterOutlet],
  host: { class: 'wrap of-account' },
  template: `
    <nav class="account-nav" aria-label="Your account">
      <ul>
        <li><a routerLink="/orders">Orders</a></li>
        @for (place of places; track place.to) {
          <li>
            <a [routerLink]="place.to" [attr.aria-current]="url() === place.to ? 'page' : null">{{ place.name }}</a>
          </li>
        }
      </ul>
    </nav>
    <div><router-outlet /></div>
  `,
})
export class AccountFrame {
  protected readonly url = inject(CurrentUrl).url;
  protected readonly places = [
    { to: '/account', name: 'Profile' },
    { to: '/account/addresses', name: 'Addresses' },
    { to: '/account/security', name: 'Security' },
    { to: '/account/data', name: 'Your data' },
  ];
}

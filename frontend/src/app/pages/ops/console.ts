import { Component } from '@angular/core';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';

/** What the console's pages have in common: the way from one to the other. */
@Component({
  selector: 'shop-console',
  imports: [RouterLink, RouterLinkActive, RouterOutlet],
  host: { class: 'wrap console' },
  template: `
    <nav class="console-nav" aria-label="Operations">
      <ul>
        @for (page of pages; track page.to) {
          <li>
            <a
              [routerLink]="page.to"
              routerLinkActive
              ariaCurrentWhenActive="page"
              [routerLinkActiveOptions]="{ exact: page.to === '/ops' }"
              >{{ page.name }}</a
            >
          </li>
        }
      </ul>
    </nav>
    <router-outlet />
  `,
})
export default class Console {
  protected readonly pages = [
    { to: '/ops', name: 'Queues' },
    { to: '/ops/stuck', name: 'Stuck orders' },
    { to: '/ops/orders', name: 'Time-line' },
    { to: '/ops/reconciliation', name: 'Reconciliation' },
    { to: '/ops/replays', name: 'Record' },
  ];
}

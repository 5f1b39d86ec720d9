import { Component, inject } from '@angular/core';
import { RouterLink, RouterOutlet } from '@angular/router';
import { CurrentUrl } from '../../core/current-url';

/** What the console's pages have in common: the way from one to the other. */
@Component({
  selector: 'shop-console',
  imports: [RouterLink, RouterOutlet],
  host: { class: 'wrap console' },
  template: `
    <nav class="console-nav" aria-label="Operations">
      <ul>
        @for (page of pages; track page.to) {
          <li>
            <a [routerLink]="page.to" [attr.aria-current]="current(page)">{{ page.name }}</a>
          </li>
        }
      </ul>
    </nav>
    <router-outlet />
  `,
})
export default class Console {
  private readonly location = inject(CurrentUrl);

  protected readonly pages = [
    { to: '/ops', below: '/ops/queues/', name: 'Queues' },
    { to: '/ops/stuck', below: null, name: 'Stuck orders' },
    { to: '/ops/orders', below: '/ops/orders/', name: 'Time-line' },
    { to: '/ops/reconciliation', below: null, name: 'Reconciliation' },
    { to: '/ops/replays', below: '/ops/replays/', name: 'Record' },
  ];

  protected current({ to, below }: { readonly to: string; readonly below: string | null }): 'page' | 'true' | null {
    const path = this.location.path();
    if (path === to) return 'page';
    return below !== null && path.startsWith(below) ? 'true' : null;
  }
}

import { Component, inject } from '@angular/core';
import { RouterOutlet } from '@angular/router';
import { CartDrawer } from './shell/cart-drawer';
import { CartPanel } from './shell/cart-panel';
import { Footer } from './shell/footer';
import { Masthead } from './shell/masthead';
import { ToastList } from './shell/toast-list';

@Component({
  selector: 'shop-root',
  imports: [CartDrawer, Footer, Masthead, RouterOutlet, ToastList],
  template: `
    <a class="skip-link" href="#main" (click)="skip($event, main)">Skip to the content</a>
    <shop-masthead />
    <main id="main" tabindex="-1" #main><router-outlet /></main>
    <shop-footer />
    @defer (when drawer.wanted()) {
      <shop-cart-drawer />
    }
    <shop-toast-list />
  `,
})
export class App {
  protected readonly drawer = inject(CartPanel);

  /** The fragment alone would be resolved against <base>, and lead home. */
  protected skip(event: Event, main: HTMLElement): void {
    event.preventDefault();
    main.focus();
  }
}

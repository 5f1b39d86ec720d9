import { Component, ViewContainerRef, effect, inject, untracked, viewChild } from '@angular/core';
import { RouterOutlet } from '@angular/router';
import { CartPanel } from './shell/cart-panel';
import { Footer } from './shell/footer';
import { Masthead } from './shell/masthead';
import { ToastList } from './shell/toast-list';

@Component({
  selector: 'shop-root',
  imports: [Footer, Masthead, RouterOutlet, ToastList],
  template: `
    <a class="skip-link" href="#main" (click)="skip($event, main)">Skip to the content</a>
    <shop-masthead />
    <main id="main" tabindex="-1" #main><router-outlet /></main>
    <shop-footer />
    <ng-container #drawer />
    <shop-toast-list />
  `,
})
export class App {
  private readonly panel = inject(CartPanel);
  private readonly drawer = viewChild.required('drawer', { read: ViewContainerRef });

  constructor() {
    // Its script comes with the first opening: a smaller first visit than by @defer, whose runtime would come along.
    const opening = effect(() => {
      if (this.panel.open()) untracked(() => void this.bringDrawer().then(() => opening.destroy()));
    });
  }

  private async bringDrawer(): Promise<void> {
    try {
      const { CartDrawer } = await import('./shell/cart-drawer');
      this.drawer().clear();
      this.drawer().createComponent(CartDrawer);
    } catch (error) {
      this.panel.open.set(false);
      throw error;
    }
  }

  /** The fragment alone would be resolved against <base>, and lead home. */
  protected skip(event: Event, main: HTMLElement): void {
    event.preventDefault();
    main.focus();
  }
}

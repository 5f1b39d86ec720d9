import { Component, ViewContainerRef, computed, effect, inject, untracked, viewChild } from '@angular/core';
import { RouterOutlet } from '@angular/router';
import { CurrentUrl } from './core/current-url';
import { CartPanel } from './shell/cart-panel';
import { Footer } from './shell/footer';
import { Masthead } from './shell/masthead';
import { ToastList } from './shell/toast-list';

/** Where people work for the shop: in a shell of its own. */
const OFFICE = /^\/(admin|ops)(\/|$)/;

@Component({
  selector: 'shop-root',
  imports: [Footer, Masthead, RouterOutlet, ToastList],
  host: { '[class.office]': 'office()' },
  template: `
    <a class="skip-link" href="#main" (click)="skip($event, main)">Skip to the content</a>
    @if (!office()) {
      <shop-masthead />
    }
    <ng-container #side />
    <main id="main" tabindex="-1" #main><router-outlet /></main>
    @if (!office()) {
      <shop-footer />
    }
    <ng-container #drawer />
    <shop-toast-list />
  `,
})
export class App {
  private readonly location = inject(CurrentUrl);
  private readonly panel = inject(CartPanel);
  private readonly drawer = viewChild.required('drawer', { read: ViewContainerRef });
  private readonly side = viewChild.required('side', { read: ViewContainerRef });

  /** Before the first page is there, the address alone tells. */
  protected readonly office = computed(() => OFFICE.test(this.location.shown() ?? location.pathname));

  constructor() {
    // Its script comes with the first opening: a smaller first visit than by @defer, whose runtime would come along.
    const opening = effect(() => {
      if (this.panel.open()) untracked(() => void this.bringDrawer().then(() => opening.destroy()));
    });
    effect(() => {
      if (this.office()) untracked(() => void this.bringSideBar());
      else this.side().clear();
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

  private async bringSideBar(): Promise<void> {
    const { SideBar } = await import('./office/side-bar');
    if (this.office() && !this.side().length) this.side().createComponent(SideBar);
  }

  /** The fragment alone would be resolved against <base>, and lead home. */
  protected skip(event: Event, main: HTMLElement): void {
    event.preventDefault();
    main.focus();
  }
}

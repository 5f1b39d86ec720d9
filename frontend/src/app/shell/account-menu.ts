import { Component, ViewContainerRef, computed, inject, linkedSignal, viewChild } from '@angular/core';
import { RouterLink } from '@angular/router';
import { CurrentUrl } from '../core/current-url';
import { Session } from '../core/session';
import { Icon } from '../ui/icon';

@Component({
  selector: 'shop-account-menu',
  imports: [Icon, RouterLink],
  template: `
    @if (session.user(); as user) {
      <!-- Once the menu is there, the browser itself opens and closes it. -->
      <button
        type="button"
        class="tool"
        [attr.popovertarget]="brought() ? 'account' : null"
        [attr.aria-expanded]="brought() ? null : 'false'"
        (click)="bring()"
      >
        <shop-icon name="person" />
        <span class="tool-text">{{ user.name || user.email }}</span>
        <span class="visually-hidden"> your account</span>
      </button>
      <ng-container #place />
    } @else {
      <a class="tool" routerLink="/login" [class.tool-waiting]="session.restoring()" [queryParams]="{ next: next() }">
        <shop-icon name="person" /><span class="tool-text">Log in</span>
      </a>
    }
  `,
})
export class AccountMenu {
  protected readonly session = inject(Session);
  private readonly location = inject(CurrentUrl);
  private readonly place = viewChild('place', { read: ViewContainerRef });
  private bringing = false;

  protected readonly brought = linkedSignal({ source: this.session.signedIn, computation: () => false });

  /** Where a visitor comes back to after logging in; null where that would be home, or a page of this kind itself. */
  protected readonly next = computed(() => {
    const url = this.location.url();
    return url === '/' || /^\/(login|register|confirm-email|forgot-password|reset-password)/.test(url) ? null : url;
  });

  /** Its script comes with the first press: most visits do without it. */
  protected async bring(): Promise<void> {
    if (this.brought() || this.bringing) return;
    this.bringing = true;
    try {
      const { AccountPanel } = await import('./account-panel');
      const { changeDetectorRef, instance } = this.place()!.createComponent(AccountPanel);
      changeDetectorRef.detectChanges();
      instance.show();
      this.brought.set(true);
    } finally {
      this.bringing = false;
    }
  }
}

import { Component, computed, inject } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { CurrentUrl } from '../core/current-url';
import { apiError } from '../core/problem';
import { Session } from '../core/session';
import { Toasts } from '../core/toasts';
import { Icon } from '../ui/icon';

@Component({
  selector: 'shop-account-menu',
  imports: [Icon, RouterLink],
  template: `
    @if (session.user(); as user) {
      <button type="button" class="tool" popovertarget="account">
        <shop-icon name="person" />
        <span class="tool-text">{{ user.name || user.email }}</span>
        <span class="visually-hidden"> your account</span>
      </button>
      <div #menu id="account" class="menu" popover (click)="menu.hidePopover()">
        <p class="menu-who">
          @if (user.name) {
            <strong>{{ user.name }}</strong>
          }
          <span>{{ user.email }}</span>
        </p>
        <ul>
          <li><a routerLink="/orders">Your orders</a></li>
          <li><a routerLink="/account">Your account</a></li>
          @if (session.isStaff()) {
            <li><a routerLink="/admin">Back office</a></li>
          }
          @if (session.isOperator()) {
            <li><a routerLink="/ops">Operations</a></li>
          }
          @if (session.needsSecondFactor()) {
            <li><a routerLink="/second-factor">Protect your account to work here</a></li>
          }
          <li><button type="button" (click)="logout()">Log out</button></li>
        </ul>
      </div>
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
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);

  /** Where a visitor comes back to after logging in; null where that would be home, or a page of this kind itself. */
  protected readonly next = computed(() => {
    const url = this.location.url();
    return url === '/' || /^\/(login|register|confirm-email|forgot-password|reset-password)/.test(url) ? null : url;
  });

  protected async logout(): Promise<void> {
    const loggedOut = this.session.logout().then(
      () => this.toasts.done('You are now logged out.'),
      (error: unknown) =>
        this.toasts.problem(
          `You are logged out here, but we could not log you out everywhere. ${apiError(error).message}`,
        ),
    );
    await this.router.navigateByUrl('/');
    await loggedOut;
  }
}

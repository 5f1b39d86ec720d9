import { Component, ElementRef, inject, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { apiError } from '../core/problem';
import { Session } from '../core/session';
import { Toasts } from '../core/toasts';
import { adopt } from '../ui/sheet';
import css from './account-menu.css' with { loader: 'text' };

adopt(css, 'shell');

/** Where somebody who is logged in can go. */
@Component({
  selector: 'shop-account-panel',
  imports: [RouterLink],
  template: `
    @if (session.user(); as user) {
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
    }
  `,
})
export class AccountPanel {
  protected readonly session = inject(Session);
  private readonly router = inject(Router);
  private readonly toasts = inject(Toasts);
  private readonly menu = viewChild<ElementRef<HTMLElement>>('menu');

  show(): void {
    this.menu()?.nativeElement.showPopover();
  }

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

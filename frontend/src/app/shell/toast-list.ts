import { Component, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Toasts } from '../core/toasts';
import { Icon } from '../ui/icon';

/** The region is there before its first message, or screen readers would not read that one out. */
@Component({
  selector: 'shop-toast-list',
  imports: [Icon, RouterLink],
  template: `
    <div class="toasts" role="status" aria-live="polite" aria-relevant="additions">
      @for (toast of toasts.all(); track toast.id) {
        <div class="toast" [class.toast-problem]="toast.kind === 'problem'">
          <shop-icon [name]="toast.kind === 'problem' ? 'alert' : 'check'" />
          <p>{{ toast.text }}</p>
          @if (toast.link; as link) {
            <a [routerLink]="link.to" (click)="toasts.dismiss(toast)">{{ link.text }}</a>
          }
          <button type="button" class="icon-button" (click)="toasts.dismiss(toast)">
            <shop-icon name="close" /><span class="visually-hidden">Dismiss</span>
          </button>
        </div>
      }
    </div>
  `,
})
export class ToastList {
  protected readonly toasts = inject(Toasts);
}

import { Component, ElementRef, input, output, viewChild } from '@angular/core';
import { Money } from '../api/models';
import { Icon } from './icon';
import { MoneyPipe } from './money.pipe';

/** A total, as the shopper saw it and as it is now. */
export interface ChangedTotal {
  readonly seen: Money;
  readonly total: Money;
}

/** That an order costs something else than the shopper has seen, and a button to take that. Where it does not, nothing. */
@Component({
  selector: 'shop-total-change',
  imports: [Icon, MoneyPipe],
  template: `
    <div role="status">
      @if (change(); as change) {
        <div class="notice notice-caution" tabindex="-1" #notice>
          <shop-icon name="alert" />
          <div class="notice-text">
            <p><strong>The total of your order has changed.</strong> Please check before you order.</p>
            <p>
              <s class="was"><span class="visually-hidden">It was </span>{{ change.seen | money }}</s>
              <strong><span class="visually-hidden">, it is now </span>{{ change.total | money }}</strong>
            </p>
          </div>
          <button type="button" class="button button-quiet" (click)="accept.emit()">Accept new total</button>
        </div>
      }
    </div>
  `,
})
export class TotalChange {
  readonly change = input.required<ChangedTotal | null>();
  readonly accept = output();

  private readonly notice = viewChild<ElementRef<HTMLElement>>('notice');

  /** Bring the visitor here. */
  focus(): void {
    this.notice()?.nativeElement.focus();
  }
}

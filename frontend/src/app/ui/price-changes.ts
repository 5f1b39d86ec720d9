import { Component, ElementRef, computed, inject, signal, viewChild } from '@angular/core';
import { Money } from '../api/models';
import { CartStore } from '../core/cart';
import { ApiError, apiError } from '../core/problem';
import { Icon } from './icon';
import { MoneyPipe } from './money.pipe';

/** Which prices have changed since the shopper chose, how, and a button to take them. Where none has, nothing. */
@Component({
  selector: 'shop-price-changes',
  imports: [Icon, MoneyPipe],
  template: `
    <div role="status">
      @if (changed(); as lines) {
        <div class="notice notice-caution" tabindex="-1" #notice>
          <shop-icon name="alert" />
          <div class="notice-text">
            <p>
              <strong>{{
                lines.length > 1
                  ? 'Some prices have changed since you last looked.'
                  : 'A price has changed since you last looked.'
              }}</strong>
              Please check before you order.
            </p>
            <ul>
              @for (line of lines; track line.productId) {
                <li>
                  {{ line.name }}:
                  <s class="was"><span class="visually-hidden">was </span>{{ line.unitPrice | money }}</s>
                  <strong
                    ><span class="visually-hidden">, is now </span>{{ current(line.currentPrice) | money }}</strong
                  >
                </li>
              }
            </ul>
            @if (problem(); as problem) {
              <p class="line-problem" role="alert">{{ problem.message }}</p>
            }
          </div>
          <button type="button" class="button button-quiet" [attr.aria-busy]="busy()" (click)="accept()">
            {{ lines.length > 1 ? 'Accept new prices' : 'Accept new price' }}
          </button>
        </div>
      }
    </div>
  `,
})
export class PriceChanges {
  private readonly cart = inject(CartStore);

  protected readonly changed = computed(() => {
    const lines = this.cart.priceChanges().filter((line) => line.currentPrice);
    return lines.length ? lines : null;
  });
  private readonly notice = viewChild<ElementRef<HTMLElement>>('notice');
  protected readonly busy = signal(false);
  protected readonly problem = signal<ApiError | null>(null);

  /** Bring the visitor here. */
  focus(): void {
    this.notice()?.nativeElement.focus();
  }

  protected current(price: Money | null): Money {
    return price!;
  }

  protected async accept(): Promise<void> {
    if (this.busy()) return;
    this.busy.set(true);
    this.problem.set(null);
    try {
      for (const line of this.changed() ?? []) await this.cart.accept(line);
    } catch (error) {
      this.problem.set(apiError(error));
    } finally {
      this.busy.set(false);
    }
  }
}

import { Component, inject, input, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { CartLine, CartStore } from '../core/cart';
import { apiError } from '../core/problem';
import { Icon } from './icon';
import { MoneyPipe } from './money.pipe';
import { ProductImage } from './product-image';
import { Quantity } from './quantity';

/** The lines of the cart, to be changed: in the drawer as on the cart's page. */
@Component({
  selector: 'shop-cart-lines',
  imports: [Icon, MoneyPipe, ProductImage, Quantity, RouterLink],
  template: `
    <ul class="lines" tabindex="-1" [class.lines-compact]="compact()" [attr.aria-busy]="cart.busy()">
      @for (line of cart.lines(); track line.productId) {
        <li class="line">
          <a class="line-image" [routerLink]="['/products', line.productId]" tabindex="-1" aria-hidden="true">
            <shop-product-image [picture]="line.picture" [category]="line.category" widths="5rem" />
          </a>
          <div class="line-text">
            <a class="line-name" [routerLink]="['/products', line.productId]">{{ line.name }}</a>
            <p class="line-price">{{ line.unitPrice | money }} each</p>
            @if (line.discontinued) {
              <p class="line-problem">No longer available. Please remove it.</p>
            } @else if (line.available < line.quantity) {
              <p class="line-problem">
                {{
                  line.available
                    ? 'Only ' + line.available + ' left. Please reduce the quantity.'
                    : 'Sold out. Please remove it.'
                }}
              </p>
            } @else if (line.priceChanged && line.currentPrice) {
              <p class="line-change">
                Now {{ line.currentPrice | money }} each.
                <button type="button" class="link" (click)="accept(line)">
                  Accept new price<span class="visually-hidden"> of {{ line.name }}</span>
                </button>
              </p>
            }
            @if (problems().get(line.productId); as problem) {
              <p class="line-problem" role="alert">{{ problem }}</p>
            }
          </div>
          <shop-quantity
            [value]="line.quantity"
            [of]="line.name"
            [available]="line.available"
            [disabled]="line.discontinued"
            (wanted)="set(line, $event)"
          />
          <strong class="line-total">{{ line.lineTotal | money }}</strong>
          <button type="button" class="icon-button line-remove" (click)="set(line, 0)">
            <shop-icon name="trash" /><span class="visually-hidden">Remove {{ line.name }}</span>
          </button>
        </li>
      }
    </ul>
  `,
})
export class CartLines {
  protected readonly cart = inject(CartStore);

  readonly compact = input(false);

  /** What the shop said to the latest change of a line, by product. */
  protected readonly problems = signal<ReadonlyMap<string, string>>(new Map());

  protected accept(line: CartLine): Promise<void> {
    return this.change(line, () => this.cart.accept(line));
  }

  protected set(line: CartLine, quantity: number): Promise<void> {
    return this.change(line, () => this.cart.set(line, quantity));
  }

  private async change(line: CartLine, work: () => Promise<void>): Promise<void> {
    this.note(line, null);
    try {
      await work();
    } catch (error) {
      this.note(line, apiError(error).message);
    }
  }

  private note({ productId }: CartLine, problem: string | null): void {
    this.problems.update((problems) => {
      const changed = new Map(problems);
      if (problem) changed.set(productId, problem);
      else changed.delete(productId);
      return changed;
    });
  }
}

import '../../styles/later';
import { Component, ElementRef, effect, inject, viewChild } from '@angular/core';
import { NavigationStart, Router, RouterLink } from '@angular/router';
import { CartStore } from '../core/cart';
import { CartPanel } from './cart-panel';
import { BlankImage } from '../ui/blank-image';
import { CartLines } from '../ui/cart-lines';
import { Icon } from '../ui/icon';
import { MoneyPipe } from '../ui/money.pipe';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';

/** The cart beside the page. */
@Component({
  selector: 'shop-cart-drawer',
  imports: [BlankImage, CartLines, Icon, MoneyPipe, Problem, RouterLink, Skeleton],
  template: `
    <dialog
      #dialog
      class="drawer"
      aria-labelledby="drawer-title"
      (close)="panel.open.set(false)"
      (click)="dismiss($event)"
    >
      <div class="drawer-body">
        <header class="drawer-head">
          <h2 id="drawer-title">Your cart</h2>
          <button type="button" class="icon-button" (click)="panel.open.set(false)">
            <shop-icon name="close" /><span class="visually-hidden">Close cart</span>
          </button>
        </header>
        @if (cart.problem(); as problem) {
          <shop-problem [error]="problem" (retry)="cart.load()" />
        }
        @if (cart.count() === 0 && cart.ready()) {
          <div class="blank">
            <shop-blank-image icon="bag" />
            <p>Your cart is empty.</p>
            <a class="button" routerLink="/products">Start shopping</a>
          </div>
        } @else if (cart.ready()) {
          <shop-cart-lines class="drawer-lines" [compact]="true" />
          <footer class="drawer-foot">
            @if (cart.total(); as total) {
              <p class="total">
                <span>Total</span><strong>{{ total | money }}</strong>
              </p>
            }
            @if (cart.priceChanges().length) {
              <p class="line-change">Some prices have changed. You can check them before you order.</p>
            }
            @if (cart.hindrance(); as hindrance) {
              <p class="line-problem">{{ hindrance }}</p>
              <a class="button" routerLink="/cart">View cart</a>
            } @else {
              <a class="button" routerLink="/checkout">Check out</a>
              <a class="button button-quiet" routerLink="/cart">View cart</a>
            }
          </footer>
        } @else if (!cart.problem()) {
          <div class="stack" aria-busy="true"><shop-skeleton height="5rem" /><shop-skeleton height="5rem" /></div>
        }
      </div>
    </dialog>
  `,
})
export class CartDrawer {
  protected readonly cart = inject(CartStore);
  protected readonly panel = inject(CartPanel);
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');

  constructor() {
    inject(Router).events.subscribe((event) => {
      if (event instanceof NavigationStart) this.panel.open.set(false);
    });
    effect(() => {
      const dialog = this.dialog().nativeElement;
      if (this.panel.open() && !dialog.open) {
        dialog.showModal();
        void this.cart.load();
      } else if (!this.panel.open() && dialog.open) {
        dialog.close();
      }
    });
  }

  /** A click on the page behind closes it; that is a click on the dialog, but not on what is in it. */
  protected dismiss(event: Event): void {
    if (event.target === this.dialog().nativeElement) this.panel.open.set(false);
  }
}

import { Component, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Seller } from '../core/seller';
import { Session } from '../core/session';

@Component({
  selector: 'shop-footer',
  imports: [RouterLink],
  template: `
    <footer class="footer">
      <div class="wrap footer-columns">
        <div class="footer-about">
          <p class="footer-name">CloudRetail</p>
          <p>Well-made things for every day. And you always know where your order is.</p>
          <p>{{ seller.said }}</p>
          <ul class="pay-marks" aria-label="Ways to pay">
            @for (way of ways; track way) {
              <li>{{ way }}</li>
            }
          </ul>
        </div>
        <nav aria-label="Shop">
          <h2>Shop</h2>
          <ul>
            <li><a routerLink="/products">All products</a></li>
            <li><a routerLink="/products" [queryParams]="{ sort: 'newest' }">New arrivals</a></li>
            <li><a routerLink="/cart">Your cart</a></li>
          </ul>
        </nav>
        <nav aria-label="Account">
          <h2>Account</h2>
          <ul>
            @if (session.signedIn()) {
              <li><a routerLink="/orders">Your orders</a></li>
            } @else {
              <li><a routerLink="/login">Log in</a></li>
              <li><a routerLink="/register">Create an account</a></li>
            }
          </ul>
        </nav>
        <nav aria-label="Help">
          <h2>Help</h2>
          <ul>
            <li><a routerLink="/contact">Contact</a></li>
            <li><a routerLink="/shipping">Shipping and returns</a></li>
            <li><a routerLink="/terms">Terms of sale</a></li>
            <li><a routerLink="/privacy">Privacy</a></li>
            <li><a routerLink="/imprint">Imprint</a></li>
          </ul>
        </nav>
      </div>
    </footer>
  `,
})
export class Footer {
  protected readonly session = inject(Session);
  protected readonly seller = inject(Seller);
  /** Names, and no logos, which are trade marks. */
  protected readonly ways = ['Visa', 'Mastercard', 'American Express', 'Cash on delivery'];
}

import { Injectable, signal } from '@angular/core';

/** Opens the cart's drawer, whose script is loaded when it is wanted for the first time. */
@Injectable({ providedIn: 'root' })
export class CartPanel {
  readonly open = signal(false);
  readonly wanted = signal(false);

  show(): void {
    this.wanted.set(true);
    this.open.set(true);
  }
}

import { Injectable, signal } from '@angular/core';

/** Whether the cart's drawer is open. */
@Injectable({ providedIn: 'root' })
export class CartPanel {
  readonly open = signal(false);
}

import { Component, input } from '@angular/core';
import { ShippingAddress } from '../api/models';
import { Address } from './address';

/** Where an order goes; without a word of it where the shop does not say so. */
@Component({
  selector: 'shop-hidden-address',
  imports: [Address],
  template: `
    @if (address(); as address) {
      <shop-address [address]="address" />
    } @else {
      <p class="hint">Not shown here, so that a mistyped e-mail address tells nobody where you live.</p>
    }
  `,
})
export class HiddenAddress {
  readonly address = input.required<ShippingAddress | null>();
}

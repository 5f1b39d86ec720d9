import { Component, computed, input } from '@angular/core';
import { ShippingAddress } from '../api/models';
import { nameOf } from '../core/countries';

@Component({
  selector: 'shop-address',
  template: `
    <address class="address">
      @for (line of lines(); track $index) {
        <span>{{ line }}</span>
      }
    </address>
  `,
})
export class Address {
  readonly address = input.required<ShippingAddress>();

  protected readonly lines = computed(() => {
    const { name, line1, line2, city, state, postalCode, country, phone } = this.address();
    const place = [city, state, postalCode].filter(Boolean).join(' ');
    return [name, line1, line2, place, nameOf(country), phone].filter(Boolean);
  });
}

import { Component, input, model } from '@angular/core';
import { KeptAddress } from '../api/models';
import { nameOf } from '../core/countries';

/** Where an order goes: one of the addresses that the account keeps, or another one. */
@Component({
  selector: 'shop-address-choice',
  template: `
    <fieldset class="choices">
      <legend class="visually-hidden">Where it goes</legend>
      @for (each of addresses(); track each.addressId) {
        <label class="choice">
          <input
            type="radio"
            name="kept"
            [checked]="each.addressId === chosen()"
            (change)="chosen.set(each.addressId)"
          />
          <span>
            <strong>{{ each.shippingAddress.name }}</strong>
            <span class="hint">{{ inLine(each) }}</span>
          </span>
          @if (each.isDefault) {
            <span class="hint">Default</span>
          }
        </label>
      }
      <label class="choice">
        <input type="radio" name="kept" [checked]="chosen() === null" (change)="chosen.set(null)" />
        <span><strong>Another address</strong></span>
      </label>
    </fieldset>
  `,
})
export class AddressChoice {
  readonly addresses = input.required<readonly KeptAddress[]>();
  /** Id of the one that is chosen; null for another one. */
  readonly chosen = model.required<string | null>();

  protected inLine({ shippingAddress: { line1, line2, city, postalCode, country } }: KeptAddress): string {
    const place = [postalCode, city].filter(Boolean).join(' ');
    return [line1, line2, place, nameOf(country)].filter(Boolean).join(', ');
  }
}

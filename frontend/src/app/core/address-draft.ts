import { computed, signal } from '@angular/core';
import { ShippingAddress } from '../api/models';
import { ShippingQuotes, postalCodeProblem } from './shipping';

/** Fields of an address, by the API's names for them. */
export const ADDRESS_FIELDS = ['name', 'line1', 'line2', 'city', 'state', 'postalCode', 'country', 'phone'].map(
  (each) => `shippingAddress.${each}`,
);

/** An address while it is entered, in the form that its country has. */
export class AddressDraft {
  readonly name = signal('');
  readonly line1 = signal('');
  readonly line2 = signal('');
  readonly city = signal('');
  readonly postalCode = signal('');
  readonly state = signal('');
  readonly phone = signal('');

  /** Whether the shopper has entered a postal code, so that something can be wrong with it. */
  readonly postalCodeLeft = signal(false);

  /** Whether the shop ships to the country that is chosen. */
  readonly offered = computed(() => this.quotes.countries().some(({ code }) => code === this.quotes.country()));
  readonly postalCodeForm = computed(() => this.quotes.destination()?.postalCode ?? null);
  readonly stateForm = computed(() => this.quotes.destination()?.state ?? null);
  readonly postalCodeProblem = computed(() => postalCodeProblem(this.postalCodeForm(), this.postalCode()));

  /** Of what was entered, what an address in its country has. */
  readonly address = computed<ShippingAddress>(() => {
    const destination = this.quotes.destination();
    const form = destination?.country === this.quotes.country() ? destination : null;
    const [state, postalCode] = [this.state(), this.postalCode().trim()];
    const hasState = !form || (form.state?.choices.some(({ code }) => code === state) ?? false);
    const hasPostalCode = form?.postalCode !== null;
    return {
      name: this.name().trim(),
      line1: this.line1().trim(),
      line2: this.line2().trim() || null,
      city: this.city().trim(),
      state: hasState && state ? state : null,
      postalCode: hasPostalCode && postalCode ? postalCode : null,
      country: this.quotes.country(),
      phone: this.phone().trim() || null,
    };
  });

  /**
   * @param quotes which know the country, and the form of an address there.
   * @param given what was entered before; null for nothing.
   * @param name of who enters it.
   */
  constructor(
    readonly quotes: ShippingQuotes,
    given: ShippingAddress | null,
    private readonly who: string,
  ) {
    this.enter(given);
  }

  /** Have this address entered; null empties the form. The country stays where there is none. */
  fill(address: ShippingAddress | null): void {
    this.enter(address);
    if (address) this.quotes.choose(address.country);
  }

  private enter(address: ShippingAddress | null): void {
    this.name.set(address?.name ?? this.who);
    this.line1.set(address?.line1 ?? '');
    this.line2.set(address?.line2 ?? '');
    this.city.set(address?.city ?? '');
    this.postalCode.set(address?.postalCode ?? '');
    this.state.set(address?.state ?? '');
    this.phone.set(address?.phone ?? '');
    this.postalCodeLeft.set(false);
  }
}

/** Whether two addresses say the same. */
export function isSameAddress(one: ShippingAddress, other: ShippingAddress | null): boolean {
  const lines = (each: ShippingAddress | null) =>
    each &&
    [each.name, each.line1, each.line2, each.city, each.state, each.postalCode, each.country, each.phone].map(
      (line) => line ?? '',
    );
  return JSON.stringify(lines(one)) === JSON.stringify(lines(other));
}

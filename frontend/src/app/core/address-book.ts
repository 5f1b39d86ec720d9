import { computed, inject } from '@angular/core';
import { Api } from '../api/api';
import { listAddresses } from '../api/fn/account/list-addresses';
import { removeAddress } from '../api/fn/account/remove-address';
import { saveAddress } from '../api/fn/account/save-address';
import { KeptAddress, ShippingAddress } from '../api/models';
import { resource } from './recovery';

/** The addresses that an account keeps. To be made where things can be injected. */
export class AddressBook {
  private readonly api = inject(Api);
  private readonly asked = resource({ loader: () => this.api.invoke(listAddresses) });

  /** Null while they are not known. */
  readonly addresses = computed<readonly KeptAddress[] | null>(() =>
    this.asked.hasValue() ? this.asked.value().items : null,
  );
  readonly loading = this.asked.isLoading;
  /** Why they are not known. */
  readonly problem = this.asked.error;

  reload(): void {
    this.asked.reload();
  }

  /**
   * Keep an address.
   *
   * @param addressId of the one whose place it takes, or a new one.
   * @throws {ApiError} `invalid-input`, `address-book-full`, or the shop does not answer.
   */
  async save(addressId: string, shippingAddress: ShippingAddress, isDefault: boolean): Promise<void> {
    this.asked.set(await this.api.invoke(saveAddress, { addressId, body: { shippingAddress, isDefault } }));
  }

  async remove(addressId: string): Promise<void> {
    this.asked.set(await this.api.invoke(removeAddress, { addressId }));
  }
}

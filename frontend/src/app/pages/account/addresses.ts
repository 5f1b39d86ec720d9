import { Component, inject, signal } from '@angular/core';
import { KeptAddress } from '../../api/models';
import { AddressBook } from '../../core/address-book';
import { ADDRESS_FIELDS, AddressDraft } from '../../core/address-draft';
import { countryOf } from '../../core/countries';
import { Heading } from '../../core/headings';
import { apiError } from '../../core/problem';
import { Session } from '../../core/session';
import { ShippingQuotes } from '../../core/shipping';
import { Form, Submission } from '../../core/submission';
import { Toasts } from '../../core/toasts';
import { Address } from '../../ui/address';
import { AddressForm } from '../../ui/address-form';
import { BlankImage } from '../../ui/blank-image';
import { FormMessage } from '../../ui/form-message';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { TakeFocus } from '../../ui/take-focus';

/** What an address is entered for: the one that it changes, or null for a new one. */
interface Entry {
  readonly addressId: string | null;
  readonly isDefault: boolean;
}

@Component({
  selector: 'shop-addresses',
  imports: [Address, AddressForm, BlankImage, Form, FormMessage, Heading, Problem, Skeleton, TakeFocus],
  host: { class: 'account-page' },
  template: `
    <h1 shopHeading>Your addresses</h1>
    @if (entry(); as entry) {
      <form [shopForm]="form" (send)="save(entry)" aria-labelledby="entry">
        <h2 id="entry" shopTakeFocus>{{ entry.addressId ? 'Change this address' : 'A new address' }}</h2>
        <shop-form-message [message]="form.message" />
        <shop-address-form [draft]="draft" [submission]="form" />
        @if (!entry.isDefault) {
          <label class="check">
            <input #first type="checkbox" [checked]="isDefault()" (change)="isDefault.set(first.checked)" />
            Use it as my default
          </label>
        }
        <div class="actions">
          <button type="submit" class="button" [attr.aria-busy]="form.pending()">Save</button>
          <button type="button" class="button button-quiet" (click)="close()">Not now</button>
        </div>
      </form>
    } @else if (book.addresses(); as addresses) {
      @if (addresses.length) {
        <p>We offer them at checkout, the default first.</p>
        <ul class="kept">
          @for (each of addresses; track each.addressId) {
            <li class="panel">
              @if (each.isDefault) {
                <strong>Default</strong>
              }
              <shop-address [address]="each.shippingAddress" />
              <div class="actions">
                <button type="button" class="button button-quiet" (click)="change(each)">
                  Change<span class="visually-hidden"> {{ each.shippingAddress.line1 }}</span>
                </button>
                @if (!each.isDefault) {
                  <button type="button" class="button button-quiet" (click)="makeDefault(each)">
                    Make it my default<span class="visually-hidden"> {{ each.shippingAddress.line1 }}</span>
                  </button>
                }
                <button type="button" class="button button-quiet" (click)="remove(each)">
                  Remove<span class="visually-hidden"> {{ each.shippingAddress.line1 }}</span>
                </button>
              </div>
            </li>
          }
        </ul>
        <div class="actions"><button type="button" class="button" (click)="add()">Add an address</button></div>
      } @else {
        <div class="blank">
          <shop-blank-image icon="box" />
          <p>You have not kept an address yet. You can add one here, or at your next checkout.</p>
          <button type="button" class="button" (click)="add()">Add an address</button>
        </div>
      }
    } @else if (book.problem(); as problem) {
      <shop-problem [error]="problem" (retry)="book.reload()" />
    } @else {
      <div class="stack" aria-busy="true"><shop-skeleton height="9rem" /><shop-skeleton height="9rem" /></div>
    }
  `,
})
export default class AddressesPage {
  private readonly session = inject(Session);
  private readonly toasts = inject(Toasts);

  protected readonly book = new AddressBook();
  protected readonly form = new Submission(ADDRESS_FIELDS);
  /** What is being entered; null while nothing is. */
  protected readonly entry = signal<Entry | null>(null);
  protected readonly isDefault = signal(false);
  // Of the form of addresses there; nobody orders anything.
  private readonly quotes = new ShippingQuotes(null, () => countryOf(), signal({ amount: 0, currency: 'SGD' }));
  protected readonly draft = new AddressDraft(this.quotes, null, this.session.user()?.name ?? '');

  protected add(): void {
    this.begin({ addressId: null, isDefault: !this.book.addresses()?.length }, null);
  }

  protected change({ addressId, isDefault, shippingAddress }: KeptAddress): void {
    this.begin({ addressId, isDefault }, shippingAddress);
  }

  protected close(): void {
    this.entry.set(null);
  }

  protected async save({ addressId, isDefault }: Entry): Promise<void> {
    this.draft.postalCodeLeft.set(false);
    const saved = await this.form.run(() =>
      this.book.save(addressId ?? crypto.randomUUID(), this.draft.address(), isDefault || this.isDefault()),
    );
    if (!saved) return;
    this.entry.set(null);
    this.toasts.done('Your address is saved.');
  }

  protected async makeDefault({ addressId, shippingAddress }: KeptAddress): Promise<void> {
    await this.told(this.book.save(addressId, shippingAddress, true), 'This is your default address now.');
  }

  protected async remove({ addressId }: KeptAddress): Promise<void> {
    await this.told(this.book.remove(addressId), 'The address is removed.');
  }

  private begin(entry: Entry, address: KeptAddress['shippingAddress'] | null): void {
    this.draft.fill(address);
    this.form.problem.set(null);
    this.isDefault.set(false);
    this.entry.set(entry);
  }

  private async told(work: Promise<void>, done: string): Promise<void> {
    try {
      await work;
      this.toasts.done(done);
    } catch (error) {
      this.toasts.problem(apiError(error).message);
    }
  }
}

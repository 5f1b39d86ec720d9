import { Component, computed, input, output } from '@angular/core';
import { AddressDraft } from '../core/address-draft';
import { inSentence } from '../core/shipping';
import { Submission } from '../core/submission';
import { Field } from './field';

/** The fields of an address, in the form of its country. */
@Component({
  selector: 'shop-address-form',
  imports: [Field],
  template: `
    @let given = draft();
    <div class="fields">
      <div class="field fields-wide">
        <label for="country">Country</label>
        <select
          #selected
          id="country"
          class="select"
          name="country"
          autocomplete="shipping country"
          [attr.aria-invalid]="submission().error('shippingAddress.country') !== null"
          [attr.aria-describedby]="submission().error('shippingAddress.country') ? 'country-error' : null"
          (change)="chooseCountry(selected.value)"
        >
          @if (!given.offered()) {
            <option value="" selected>Choose a country</option>
          }
          @for (each of given.quotes.countries(); track each.code) {
            <option [value]="each.code" [selected]="each.code === given.quotes.country()">{{ each.name }}</option>
          }
        </select>
        @if (submission().error('shippingAddress.country'); as problem) {
          <p class="field-error" id="country-error">{{ problem }}</p>
        }
      </div>
      <shop-field
        class="fields-wide"
        label="Full name"
        name="name"
        autocomplete="shipping name"
        [(value)]="given.name"
        [maxlength]="100"
        [error]="submission().error('shippingAddress.name')"
      />
      <shop-field
        class="fields-wide"
        label="Street and number"
        name="line1"
        autocomplete="shipping address-line1"
        [(value)]="given.line1"
        [maxlength]="200"
        [error]="submission().error('shippingAddress.line1')"
      />
      <shop-field
        class="fields-wide"
        label="Apartment, floor, company (optional)"
        name="line2"
        autocomplete="shipping address-line2"
        [optional]="true"
        [(value)]="given.line2"
        [maxlength]="200"
        [error]="submission().error('shippingAddress.line2')"
      />
      @if (given.postalCodeForm(); as form) {
        <shop-field
          [label]="form.required ? form.label : form.label + ' (optional)'"
          name="postalCode"
          autocomplete="shipping postal-code"
          [optional]="!form.required"
          [(value)]="given.postalCode"
          [maxlength]="20"
          [hint]="form.example ? 'For example ' + form.example : undefined"
          [error]="postalCodeError()"
          (change)="given.postalCodeLeft.set(true)"
        />
      }
      <shop-field
        label="City"
        name="city"
        autocomplete="shipping address-level2"
        [(value)]="given.city"
        [maxlength]="100"
        [error]="submission().error('shippingAddress.city')"
      />
      @if (given.stateForm(); as form) {
        <div class="field fields-wide">
          <label for="state">{{ form.label }}</label>
          <select
            #chosenState
            id="state"
            class="select"
            name="state"
            autocomplete="shipping address-level1"
            aria-required="true"
            [attr.aria-invalid]="submission().error('shippingAddress.state') !== null"
            [attr.aria-describedby]="submission().error('shippingAddress.state') ? 'state-error' : null"
            (change)="given.state.set(chosenState.value)"
          >
            <option value="" [selected]="!given.address().state">Choose your {{ inSentence(form.label) }}</option>
            @for (each of form.choices; track each.code) {
              <option [value]="each.code" [selected]="each.code === given.address().state">{{ each.name }}</option>
            }
          </select>
          @if (submission().error('shippingAddress.state'); as problem) {
            <p class="field-error" id="state-error">{{ problem }}</p>
          }
        </div>
      }
      <shop-field
        class="fields-wide"
        [label]="inCash() ? 'Phone' : 'Phone (optional)'"
        name="phone"
        type="tel"
        autocomplete="shipping tel"
        [optional]="!inCash()"
        [(value)]="given.phone"
        [maxlength]="30"
        [hint]="
          inCash()
            ? 'The courier calls before they collect the cash.'
            : 'Only for the courier, should they have a question.'
        "
        [error]="submission().error('shippingAddress.phone')"
      />
    </div>
  `,
})
export class AddressForm {
  readonly draft = input.required<AddressDraft>();
  readonly submission = input.required<Submission>();
  /** Whether it is paid on delivery, so that the courier has to be able to call. */
  readonly inCash = input(false);
  /** Another country was chosen. */
  readonly moved = output();

  protected readonly inSentence = inSentence;
  protected readonly postalCodeError = computed(() =>
    this.draft().postalCodeLeft()
      ? this.draft().postalCodeProblem()
      : this.submission().error('shippingAddress.postalCode'),
  );

  protected chooseCountry(country: string): void {
    // What was said of the other country's address is not true of this one's.
    this.submission().problem.set(null);
    this.draft().postalCodeLeft.set(false);
    this.draft().quotes.choose(country);
    this.moved.emit();
  }
}

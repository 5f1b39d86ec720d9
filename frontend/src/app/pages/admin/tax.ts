import { Component, computed, inject, linkedSignal } from '@angular/core';
import { Api } from '../../api/api';
import { getTaxRates } from '../../api/fn/back-office/get-tax-rates';
import { putTaxRates } from '../../api/fn/back-office/put-tax-rates';
import { nameOf } from '../../core/countries';
import { Heading } from '../../core/headings';
import { resource } from '../../core/recovery';
import { Form, Submission } from '../../core/submission';
import { Toasts } from '../../core/toasts';
import { Cell } from '../../office/cell';
import { FormMessage } from '../../ui/form-message';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { Overtaken } from './overtaken';
import { NEW_TAX, TaxDraft, changed, taxRatesOf, taxesOf, without } from './rate-drafts';

/** The tax that prices include, by country. */
@Component({
  selector: 'shop-tax-rates',
  imports: [Cell, Form, FormMessage, Heading, Overtaken, Problem, Skeleton],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Tax rates</h1>
    <p class="office-lead">
      The tax that prices include where the goods go to. Where there is no row, prices include none. Orders that were
      placed keep theirs.
    </p>
    @if (rates.error()) {
      <shop-problem [error]="rates.error()" (retry)="rates.reload()" />
    } @else if (rates.hasValue()) {
      <form class="stack office-narrow" [shopForm]="form" (send)="save()">
        <shop-overtaken
          [problem]="form.problem()"
          (theirs)="form.problem.set(null); rates.reload()"
          (mine)="saveOver()"
        />
        @if (!overtaken()) {
          <shop-form-message [message]="message()" />
        }
        <div class="data-frame" tabindex="0" role="region" aria-label="Tax rates">
          <table class="data">
            <caption>
              Tax rates
            </caption>
            <thead>
              <tr>
                <th scope="col">Country</th>
                <th scope="col">Name of the tax</th>
                <th scope="col">Per cent</th>
                <th scope="col"><span class="visually-hidden">Remove</span></th>
              </tr>
            </thead>
            <tbody>
              @for (tax of taxes(); track $index; let at = $index) {
                <tr>
                  <td>
                    <shop-cell
                      [label]="'Country of row ' + (at + 1)"
                      [maxlength]="2"
                      [value]="tax.country"
                      (valueChange)="change(at, { country: $event })"
                      [error]="error(at, 'country')"
                    />
                    <span class="hint">{{ country(tax) }}</span>
                  </td>
                  <td>
                    <shop-cell
                      [label]="'Name of the tax of row ' + (at + 1)"
                      [maxlength]="30"
                      [value]="tax.name"
                      (valueChange)="change(at, { name: $event })"
                      [error]="error(at, 'name')"
                    />
                  </td>
                  <td>
                    <shop-cell
                      [label]="'Per cent of row ' + (at + 1)"
                      inputmode="decimal"
                      [maxlength]="6"
                      [value]="tax.percent"
                      (valueChange)="change(at, { percent: $event })"
                      [error]="error(at, 'basisPoints')"
                    />
                  </td>
                  <td>
                    <button type="button" class="link" (click)="remove(at)">
                      Remove<span class="visually-hidden"> {{ country(tax) }}</span>
                    </button>
                  </td>
                </tr>
              } @empty {
                <tr>
                  <td colspan="4">Prices include no tax anywhere.</td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <div class="actions">
          <button type="submit" class="button" [attr.aria-busy]="form.pending()">
            {{ form.pending() ? 'Saving …' : 'Save' }}
          </button>
          <button type="button" class="button button-quiet" (click)="add()">Add a country</button>
        </div>
      </form>
    } @else {
      <div aria-busy="true"><shop-skeleton height="12rem" /></div>
    }
  `,
})
export default class TaxPage {
  private readonly api = inject(Api);
  private readonly toasts = inject(Toasts);

  protected readonly rates = resource({ loader: () => this.api.invoke(getTaxRates) });
  protected readonly form = new Submission();
  protected readonly taxes = linkedSignal<readonly TaxDraft[]>(() =>
    this.rates.hasValue() ? taxesOf(this.rates.value()) : [],
  );
  protected readonly overtaken = computed(() => this.form.problem()?.status === 409);

  /** What no field here shows. */
  protected message(): string | null {
    const problem = this.form.problem();
    if (!problem) return null;
    const shown = [...problem.fields.keys()].some((field) => field.startsWith('rates.'));
    return shown ? null : problem.message;
  }

  protected error(at: number, field: string): string | null {
    return this.form.error(`rates.${at}.${field}`);
  }

  protected country({ country }: TaxDraft): string {
    return /^[a-z]{2}$/i.test(country) ? nameOf(country.toUpperCase()) : '';
  }

  protected change(at: number, change: Partial<TaxDraft>): void {
    this.taxes.update((taxes) => changed(taxes, at, change));
  }

  protected add(): void {
    this.taxes.update((taxes) => [...taxes, NEW_TAX]);
  }

  protected remove(at: number): void {
    this.taxes.update((taxes) => without(taxes, at));
  }

  protected save(): Promise<void> {
    return this.rates.hasValue() ? this.put(this.rates.value().version) : Promise.resolve();
  }

  /** In place of what somebody else has stored meanwhile. */
  protected async saveOver(): Promise<void> {
    let version = 0;
    if (await this.form.run(async () => ({ version } = await this.api.invoke(getTaxRates)))) await this.put(version);
  }

  private async put(version: number): Promise<void> {
    const body = taxRatesOf(this.taxes(), version);
    await this.form.run(async () => {
      this.rates.set(await this.api.invoke(putTaxRates, { body }));
      this.toasts.done('The tax rates are saved.');
    });
  }
}

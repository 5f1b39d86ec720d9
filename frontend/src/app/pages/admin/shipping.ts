import { Component, computed, inject, linkedSignal } from '@angular/core';
import { Api } from '../../api/api';
import { getShippingRates } from '../../api/fn/back-office/get-shipping-rates';
import { putShippingRates } from '../../api/fn/back-office/put-shipping-rates';
import { nameOf } from '../../core/countries';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { resource } from '../../core/recovery';
import { Form, Submission } from '../../core/submission';
import { Toasts } from '../../core/toasts';
import { Cell } from '../../office/cell';
import { FormMessage } from '../../ui/form-message';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import {
  MethodDraft,
  NEW_METHOD,
  NEW_ZONE,
  ZoneDraft,
  changed,
  codesOf,
  currencyOf,
  ratesOf,
  without,
  zonesOf,
} from './rate-drafts';
import { Overtaken } from './overtaken';

/** Where the shop ships to, how, and what that costs. */
@Component({
  selector: 'shop-shipping-rates',
  imports: [Cell, Form, FormMessage, Heading, Overtaken, Problem, Skeleton],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Shipping rates</h1>
    <p class="office-lead">
      Zones are countries that parcels go to in the same ways. What you change counts for new orders; those that were
      placed keep what they were placed with.
    </p>
    @if (rates.error()) {
      <shop-problem [error]="rates.error()" (retry)="rates.reload()" />
    } @else if (rates.hasValue()) {
      <form class="stack" [shopForm]="form" (send)="save()">
        <shop-overtaken
          [problem]="form.problem()"
          (theirs)="form.problem.set(null); rates.reload()"
          (mine)="saveOver()"
        />
        @if (!overtaken()) {
          <shop-form-message [message]="message()" />
        }
        @for (zone of zones(); track $index; let at = $index) {
          <fieldset class="panel stack zone">
            <legend>{{ zone.name || 'New zone' }}</legend>
            <div class="zone-head">
              <div>
                <p class="zone-label">Name, for staff</p>
                <shop-cell
                  [label]="'Name of zone ' + (at + 1)"
                  [maxlength]="60"
                  [value]="zone.name"
                  (valueChange)="change(at, { name: $event })"
                  [error]="error(at, 'name')"
                />
              </div>
              <div class="zone-countries">
                <p class="zone-label">Countries, by their codes</p>
                <shop-cell
                  [label]="'Countries of zone ' + (at + 1)"
                  [value]="zone.countries"
                  (valueChange)="change(at, { countries: $event })"
                  [error]="error(at, 'countries')"
                />
                <p class="hint">{{ names(zone) }}</p>
              </div>
              <div>
                <p class="zone-label">Cash up to, in {{ currency() }}</p>
                <shop-cell
                  [label]="'Highest total in cash, zone ' + (at + 1)"
                  inputmode="decimal"
                  [value]="zone.cashUpTo"
                  (valueChange)="change(at, { cashUpTo: $event })"
                  [error]="error(at, 'cashUpTo')"
                />
                <p class="hint">Empty: no cash on delivery.</p>
              </div>
            </div>
            <div class="data-frame" tabindex="0" role="region" [attr.aria-label]="'Methods of zone ' + (at + 1)">
              <table class="data">
                <caption>
                  Methods; the first one is offered first
                </caption>
                <thead>
                  <tr>
                    <th scope="col">Name, for shoppers</th>
                    <th scope="col">Id</th>
                    <th scope="col">Price</th>
                    <th scope="col">Free from</th>
                    <th scope="col">Days, from</th>
                    <th scope="col">to</th>
                    <th scope="col"><span class="visually-hidden">Remove</span></th>
                  </tr>
                </thead>
                <tbody>
                  @for (method of zone.methods; track $index; let which = $index) {
                    <tr>
                      @for (column of columns; track column.field) {
                        <td [class.wide]="column.field === 'name'">
                          <shop-cell
                            [label]="column.label + ', method ' + (which + 1) + ' of zone ' + (at + 1)"
                            [inputmode]="column.inputmode"
                            [maxlength]="60"
                            [value]="method[column.field]"
                            (valueChange)="changeMethod(at, which, column.field, $event)"
                            [error]="error(at, 'methods.' + which + '.' + column.field)"
                          />
                        </td>
                      }
                      <td>
                        <button type="button" class="link" (click)="removeMethod(at, which)">
                          Remove<span class="visually-hidden"> {{ method.name }}</span>
                        </button>
                      </td>
                    </tr>
                  }
                </tbody>
              </table>
            </div>
            @if (error(at, 'methods'); as error) {
              <p class="field-error">{{ error }}</p>
            }
            <div class="actions">
              <button type="button" class="button button-quiet" (click)="addMethod(at)">Add a method</button>
              <button type="button" class="button button-danger" (click)="removeZone(at)">
                Remove this zone<span class="visually-hidden"> {{ zone.name }}</span>
              </button>
            </div>
          </fieldset>
        } @empty {
          <div class="blank"><p>The shop ships nowhere yet.</p></div>
        }
        <div class="actions">
          <button type="submit" class="button" [attr.aria-busy]="form.pending()">
            {{ form.pending() ? 'Saving …' : 'Save ' + words(zones().length) }}
          </button>
          <button type="button" class="button button-quiet" (click)="addZone()">Add a zone</button>
        </div>
      </form>
    } @else {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class ShippingPage {
  private readonly api = inject(Api);
  private readonly toasts = inject(Toasts);

  protected readonly columns = [
    { field: 'name', label: 'Name', inputmode: 'text' },
    { field: 'methodId', label: 'Id', inputmode: 'text' },
    { field: 'price', label: 'Price', inputmode: 'decimal' },
    { field: 'freeFrom', label: 'Free from', inputmode: 'decimal' },
    { field: 'earliestDays', label: 'Days, from', inputmode: 'numeric' },
    { field: 'latestDays', label: 'Days, to', inputmode: 'numeric' },
  ] as const satisfies readonly { field: keyof MethodDraft; label: string; inputmode: string }[];

  protected readonly rates = resource({ loader: () => this.api.invoke(getShippingRates) });
  protected readonly form = new Submission();
  private readonly stored = computed(() => (this.rates.hasValue() ? this.rates.value() : null));
  protected readonly currency = computed(() => currencyOf(this.stored() ?? { version: 0, zones: [] }));
  protected readonly zones = linkedSignal<readonly ZoneDraft[]>(() => {
    const stored = this.stored();
    return stored ? zonesOf(stored) : [];
  });
  protected readonly overtaken = computed(() => this.form.problem()?.status === 409);
  protected readonly words = (count: number) => counted(count, 'zone');

  /** What no field here shows. */
  protected message(): string | null {
    const problem = this.form.problem();
    if (!problem) return null;
    const shown = [...problem.fields.keys()].some((field) => field.startsWith('zones.'));
    return shown ? null : problem.message;
  }

  /** What the API says of a field, or of a part of it. */
  protected error(zone: number, field: string): string | null {
    const path = `zones.${zone}.${field}`;
    for (const [name, message] of this.form.problem()?.fields ?? []) {
      if (name === path || (name.startsWith(`${path}.`) && field !== 'methods')) return message;
    }
    return null;
  }

  protected names({ countries }: ZoneDraft): string {
    return codesOf(countries)
      .map((code) => (/^[A-Z]{2}$/.test(code) ? nameOf(code) : `${code}?`))
      .join(', ');
  }

  protected change(at: number, change: Partial<ZoneDraft>): void {
    this.zones.update((zones) => changed(zones, at, change));
  }

  protected changeMethod(at: number, which: number, field: keyof MethodDraft, text: string): void {
    this.change(at, { methods: changed(this.zones()[at]!.methods, which, { [field]: text }) });
  }

  protected addMethod(at: number): void {
    this.change(at, { methods: [...this.zones()[at]!.methods, NEW_METHOD] });
  }

  protected removeMethod(at: number, which: number): void {
    this.change(at, { methods: without(this.zones()[at]!.methods, which) });
  }

  protected addZone(): void {
    this.zones.update((zones) => [...zones, NEW_ZONE]);
  }

  protected removeZone(at: number): void {
    this.zones.update((zones) => without(zones, at));
  }

  protected save(): Promise<void> {
    return this.put(this.stored()!.version);
  }

  /** In place of what somebody else has stored meanwhile. */
  protected async saveOver(): Promise<void> {
    let version = 0;
    if (await this.form.run(async () => ({ version } = await this.api.invoke(getShippingRates)))) {
      await this.put(version);
    }
  }

  private async put(version: number): Promise<void> {
    const body = ratesOf(this.zones(), this.currency(), version);
    await this.form.run(async () => {
      this.rates.set(await this.api.invoke(putShippingRates, { body }));
      this.toasts.done('The shipping rates are saved.');
    });
  }
}

import { Signal, WritableSignal, computed, effect, inject, linkedSignal, signal } from '@angular/core';
import { Api } from '../api/api';
import { getShipping } from '../api/fn/shipping/get-shipping';
import { Destination, Money, PostalCodeForm, ShippingOption } from '../api/models';
import { Country, HOME, byName } from './countries';
import { resource } from './recovery';

/** How long another choice may follow before the shop is asked, in milliseconds. */
const DEBOUNCE = 200;

/**
 * What the shop says of shipping to a country: the countries that it ships to, the form of an address there, the ways
 * and what they cost. To be made where things can be injected.
 */
export class ShippingQuotes {
  private readonly api = inject(Api);

  /** Where the goods go to, by code. The shopper's choice is never changed behind their back. */
  readonly country: Signal<string>;
  private readonly chosen: WritableSignal<string | null>;

  private readonly question = computed(
    () => {
      const subtotal = this.subtotal();
      return subtotal ? { country: this.country(), subtotal: subtotal.amount } : undefined;
    },
    // A cart that is read again with the same items is no other question.
    { equal: (a, b) => a?.country === b?.country && a?.subtotal === b?.subtotal },
  );
  private readonly asked = resource({
    params: this.question,
    loader: async ({ params, abortSignal, previous }) => {
      if (previous.status !== 'idle') await new Promise((done) => setTimeout(done, DEBOUNCE));
      abortSignal.throwIfAborted();
      return this.api.invoke(getShipping, params);
    },
  });
  private readonly answer = computed(() => (this.asked.hasValue() ? this.asked.value() : undefined));
  private readonly lastAnswer = linkedSignal<ReturnType<typeof this.answer>, ReturnType<typeof this.answer>>({
    source: this.answer,
    computation: (answer, previous) => answer ?? previous?.value,
  });

  /** Countries that the shop ships to, by name: what was said last, while it is asked again. */
  readonly countries = computed<readonly Country[]>(() => byName(this.lastAnswer()?.countries ?? []));
  /** Null until it is known, and where the shop does not ship to; likewise. */
  readonly destination = computed<Destination | null>(() => this.lastAnswer()?.destination ?? null);
  /** For these items and this country; none where the shop does not ship to, null while that is not known. */
  readonly options = computed<readonly ShippingOption[] | null>(() => {
    if (this.asked.isLoading()) return null;
    const answer = this.answer();
    return answer ? (answer.destination?.options ?? []) : null;
  });
  readonly cheapest = computed(() => {
    const [first, ...others] = this.options() ?? [];
    return first ? others.reduce((a, b) => (b.price.amount < a.price.amount ? b : a), first) : null;
  });
  /** Why it is not known. */
  readonly problem = this.asked.error;

  /**
   * @param chosen country by code; null where the shopper has chosen none.
   * @param guess where they probably are: where the shop does not ship there, its own country or the first one is it.
   * @param subtotal of the items; while it is null, nothing is asked.
   */
  constructor(
    chosen: string | null,
    guess: () => string,
    private readonly subtotal: () => Money | null,
  ) {
    this.chosen = signal(chosen);
    const instead = signal<string | null>(null);
    this.country = computed(() => this.chosen() ?? instead() ?? guess());
    effect(() => {
      const answer = this.lastAnswer();
      if (!answer || answer.destination || this.chosen() !== null) return;
      const { countries } = answer;
      instead.set((countries.includes(HOME) ? HOME : countries[0]) ?? null);
    });
  }

  choose(country: string): void {
    this.chosen.set(country);
  }

  reload(): void {
    this.asked.reload();
  }
}

/** How long a parcel is on its way. */
export function arrivalOf({ earliestDays, latestDays }: ShippingOption): string {
  if (latestDays === 0) return 'Arrives the same day';
  const days = earliestDays === latestDays ? String(latestDays) : `${earliestDays} to ${latestDays}`;
  return `Arrives in ${days} working ${latestDays === 1 ? 'day' : 'days'}`;
}

/** What is wrong with a postal code, in the API's words (`orders/addresses.py`); null if nothing is. */
export function postalCodeProblem(form: PostalCodeForm | null, text: string): string | null {
  if (!form) return null;
  const label = inSentence(form.label);
  const code = text.trim();
  if (!code) return form.required ? `Enter your ${label}.` : null;
  const fits = !form.patterns.length || form.patterns.some((each) => new RegExp(`^(?:${each})$`, 'i').test(code));
  if (fits) return null;
  const example = form.example ? ` It looks like ${form.example}.` : '';
  return `This is not a ${label} of this country.${example}`;
}

/** A label inside of a sentence: "postal code", but "ZIP code". */
export function inSentence(label: string): string {
  return /^.\p{Lu}/u.test(label) ? label : label.toLowerCase();
}

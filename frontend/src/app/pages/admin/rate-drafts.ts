import { Money, NewShippingRates, NewTaxRates, ShippingRates, TaxRates } from '../../api/models';
import { USUAL_CURRENCY, amountText, parseAmount } from '../../core/amounts';

/** A way to send a parcel as it is typed. */
export interface MethodDraft {
  readonly methodId: string;
  readonly name: string;
  readonly price: string;
  readonly freeFrom: string;
  readonly earliestDays: string;
  readonly latestDays: string;
}

/** A zone as it is typed. */
export interface ZoneDraft {
  readonly name: string;
  /** Codes, with anything between them. */
  readonly countries: string;
  readonly cashUpTo: string;
  readonly methods: readonly MethodDraft[];
}

/** A tax rate as it is typed. */
export interface TaxDraft {
  readonly country: string;
  readonly name: string;
  readonly percent: string;
}

export const NEW_METHOD: MethodDraft = {
  methodId: '',
  name: '',
  price: '',
  freeFrom: '',
  earliestDays: '',
  latestDays: '',
};
export const NEW_ZONE: ZoneDraft = { name: '', countries: '', cashUpTo: '', methods: [NEW_METHOD] };
export const NEW_TAX: TaxDraft = { country: '', name: '', percent: '' };

/** In which the rates are. */
export function currencyOf({ zones }: ShippingRates): string {
  return zones[0]?.methods[0]?.price.currency ?? USUAL_CURRENCY;
}

export function zonesOf({ zones }: ShippingRates): readonly ZoneDraft[] {
  return zones.map(({ name, countries, cashUpTo, methods }) => ({
    name,
    countries: countries.join(' '),
    cashUpTo: textOf(cashUpTo),
    methods: methods.map((method) => ({
      methodId: method.methodId,
      name: method.name,
      price: textOf(method.price),
      freeFrom: textOf(method.freeFrom),
      earliestDays: String(method.earliestDays),
      latestDays: String(method.latestDays),
    })),
  }));
}

function textOf(money: Money | null): string {
  return money ? amountText(money) : '';
}

/** Country codes out of a text. */
export function codesOf(text: string): string[] {
  return text
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .filter(Boolean);
}

/** For the API: what is no number goes as it was typed, and the API says so at its field. */
export function ratesOf(zones: readonly ZoneDraft[], currency: string, version: number): NewShippingRates {
  const money = (text: string) => ({ amount: parseAmount(text, currency) ?? text, currency });
  const moneyOrNone = (text: string) => (text.trim() ? money(text) : null);
  const rates = {
    version,
    zones: zones.map(({ name, countries, cashUpTo, methods }) => ({
      name,
      countries: codesOf(countries),
      cashUpTo: moneyOrNone(cashUpTo),
      methods: methods.map((method) => ({
        methodId: method.methodId.trim(),
        name: method.name,
        price: money(method.price),
        freeFrom: moneyOrNone(method.freeFrom),
        earliestDays: numberOr(method.earliestDays),
        latestDays: numberOr(method.latestDays),
      })),
    })),
  };
  return rates as NewShippingRates;
}

function numberOr(text: string): number | string {
  return /^\d+$/.test(text.trim()) ? Number(text) : text;
}

export function taxesOf({ rates }: TaxRates): readonly TaxDraft[] {
  return rates.map(({ country, name, basisPoints }) => ({ country, name, percent: String(basisPoints / 100) }));
}

/** For the API; a hundredth of a per cent is the least that there is. */
export function taxRatesOf(taxes: readonly TaxDraft[], version: number): NewTaxRates {
  const rates = taxes.map(({ country, name, percent }) => ({
    country: country.trim().toUpperCase(),
    name,
    basisPoints: /^\d+(\.\d{1,2})?$/.test(percent.trim()) ? Math.round(Number(percent) * 100) : percent,
  }));
  return { version, rates } as NewTaxRates;
}

/** A list with another value in one of its places. */
export function changed<T>(list: readonly T[], index: number, change: Partial<T>): readonly T[] {
  return list.map((each, at) => (at === index ? { ...each, ...change } : each));
}

/** A list without one of its places. */
export function without<T>(list: readonly T[], index: number): readonly T[] {
  return list.filter((_, at) => at !== index);
}

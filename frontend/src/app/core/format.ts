/**
 * How money, times and order numbers are written: in the shop's own language, whatever the device's is, and just as the
 * shop's mails write them (`cloudretail/money.py`, `notifications/domain.py`).
 */

import type { Money, Tax } from '../api/models';

/** The one locale of the pages: English as it is understood everywhere, with the day before the month. */
export const LOCALE = 'en-GB';

/** Minor digits of the currencies that have not two; source: ISO 4217, list one. What a browser knows differs. */
const DIGITS: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};

/** How many digits an amount has behind its point. */
export function digitsOf(currency: string): number {
  return Number(Object.entries(DIGITS).find(([, currencies]) => currencies.includes(currency))?.[0] ?? 2);
}

/**
 * Money, such as SGD 19.90, JPY 1,990 or KWD 1.990.
 *
 * @param money in the currency's minor units, of which there are 100 in a dollar, 1000 in a dinar and 1 in a yen.
 */
export function formatMoney({ amount, currency }: Money): string {
  const digits = digitsOf(currency);
  const format = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  // The decimal point is set in the text, so that no fraction is ever a floating point number.
  const text = String(Math.abs(amount)).padStart(digits + 1, '0');
  const point = text.length - digits;
  const sign = amount < 0 ? '-' : '';
  const decimal = digits ? `${text.slice(0, point)}.${text.slice(point)}` : text;
  return `${currency}\u00a0${format.format(`${sign}${decimal}` as Intl.StringNumericLiteral)}`;
}

/** The tax that a total includes, such as "Includes 9% GST of SGD 4.05". */
export function formatTax({ name, basisPoints, amount }: Tax): string {
  return `Includes ${basisPoints / 100}% ${name} of ${formatMoney(amount)}`;
}

const MOMENTS = {
  day: { dateStyle: 'long' },
  short: { dateStyle: 'medium', timeStyle: 'short' },
  moment: { dateStyle: 'long', timeStyle: 'short' },
  time: { timeStyle: 'short' },
  second: { timeStyle: 'medium' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

export type MomentFormat = keyof typeof MOMENTS;

/** A moment (ISO 8601), such as 27 November 2026 at 13:30, in the device's time zone where none is named. */
export function formatMoment(moment: string, format: MomentFormat = 'moment', timeZone?: string): string {
  return new Intl.DateTimeFormat(LOCALE, { ...MOMENTS[format], timeZone }).format(new Date(moment));
}

/** What a person reads out on the phone, 3F5XK2M7QA of `ord_3f5xk2m7qa2b4c6dabcd`. */
export function orderNumber(orderId: string): string {
  return orderId
    .replace(/^ord_/, '')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .slice(0, 10)
    .toUpperCase();
}

/** "1 dead letter", "2 dead letters" */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

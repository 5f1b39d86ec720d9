import { Money } from '../api/models';
import { digitsOf } from './format';

/** Where nothing stored says in which currency the shop sells; another one is refused by the API. */
export const USUAL_CURRENCY = 'SGD';

/**
 * Money as it is typed: "19.90", "1,990", "5".
 *
 * @returns minor units; null where it is no amount of this currency.
 */
export function parseAmount(text: string, currency: string): number | null {
  const digits = digitsOf(currency);
  const match = /^(\d{1,3}(?:,?\d{3})*|\d+)(?:\.(\d*))?$/.exec(text.trim());
  const [, whole = '', fraction = ''] = match ?? [];
  if (!match || fraction.length > digits) return null;
  const minor = Number(whole.replaceAll(',', '') + fraction.padEnd(digits, '0'));
  return Number.isSafeInteger(minor) ? minor : null;
}

/** Money as it is typed again: "19.90". */
export function amountText({ amount, currency }: Money): string {
  const digits = digitsOf(currency);
  const text = String(amount).padStart(digits + 1, '0');
  const point = text.length - digits;
  return digits ? `${text.slice(0, point)}.${text.slice(point)}` : text;
}

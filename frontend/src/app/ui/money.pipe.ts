import { Pipe, PipeTransform } from '@angular/core';
import { Money } from '../api/models';

const formats = new Map<string, Intl.NumberFormat>();

function formatOf(locale: string, currency: string): Intl.NumberFormat {
  const key = `${locale} ${currency}`;
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.NumberFormat(locale, { style: 'currency', currency })));
  return format;
}

/**
 * Money in words of the visitor's locale.
 *
 * @param money in the currency's minor units, of which there are 100 in a dollar, 1000 in a dinar and 1 in a yen.
 */
export function formatMoney({ amount, currency }: Money, locale: string = navigator.language): string {
  const format = formatOf(locale, currency);
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  // The decimal point is set in the text, so that no fraction is ever a floating point number.
  const text = String(Math.abs(amount)).padStart(digits + 1, '0');
  const point = text.length - digits;
  const sign = amount < 0 ? '-' : '';
  const decimal = digits ? `${text.slice(0, point)}.${text.slice(point)}` : text;
  return format.format(`${sign}${decimal}` as Intl.StringNumericLiteral);
}

/** `{{ product.price | money }}` */
@Pipe({ name: 'money' })
export class MoneyPipe implements PipeTransform {
  transform(money: Money): string {
    return formatMoney(money);
  }
}

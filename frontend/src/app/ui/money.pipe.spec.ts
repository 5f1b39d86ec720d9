import { formatMoney } from './money.pipe';

describe('money', () => {
  it.each([
    [{ amount: 1990, currency: 'SGD' }, 'en-SG', '$19.90'],
    [{ amount: 1990, currency: 'SGD' }, 'en-US', 'SGD 19.90'],
    [{ amount: 123456789, currency: 'EUR' }, 'de-DE', '1.234.567,89 €'],
    [{ amount: 5, currency: 'USD' }, 'en-US', '$0.05'],
    [{ amount: 0, currency: 'USD' }, 'en-US', '$0.00'],
    [{ amount: -250, currency: 'USD' }, 'en-US', '-$2.50'],
    [{ amount: 1990, currency: 'JPY' }, 'en-US', '¥1,990'],
    [{ amount: 1990, currency: 'KWD' }, 'en-US', 'KWD 1.990'],
  ])('%o reads in %s as %s', (money, locale, words) => {
    expect(formatMoney(money, locale).replaceAll('\u00a0', ' ')).toBe(words);
  });

  it('is exact where a floating point number is not', () => {
    expect(formatMoney({ amount: 9007199254740991, currency: 'USD' }, 'en-US')).toBe('$90,071,992,547,409.91');
  });
});

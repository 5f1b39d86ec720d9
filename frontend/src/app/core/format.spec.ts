import { formatMoment, formatMoney, formatTax, orderNumber } from './format';

/** As a device in another country would have it, or one whose language nobody can read. */
function speaking(language: string): void {
  vi.spyOn(navigator, 'language', 'get').mockReturnValue(language);
}

afterEach(() => vi.restoreAllMocks());

describe('money', () => {
  it.each([
    [{ amount: 1990, currency: 'SGD' }, 'SGD 19.90'],
    [{ amount: 123456789, currency: 'EUR' }, 'EUR 1,234,567.89'],
    [{ amount: 5, currency: 'USD' }, 'USD 0.05'],
    [{ amount: 0, currency: 'USD' }, 'USD 0.00'],
    [{ amount: -250, currency: 'USD' }, 'USD -2.50'],
    [{ amount: 1990, currency: 'JPY' }, 'JPY 1,990'],
    [{ amount: 1990, currency: 'KWD' }, 'KWD 1.990'],
  ])('%o reads %s', (money, words) => {
    expect(formatMoney(money).replaceAll('\u00a0', ' ')).toBe(words);
  });

  it('is exact where a floating point number is not', () => {
    expect(formatMoney({ amount: 9007199254740991, currency: 'USD' })).toBe('USD\u00a090,071,992,547,409.91');
  });

  it.each(['en-US@posix', 'C', 'de', ''])('reads the same on a device whose language is "%s"', (language) => {
    speaking(language);
    expect(formatMoney({ amount: 269900, currency: 'SGD' })).toBe('SGD\u00a02,699.00');
    expect(formatMoment('2026-11-27T05:30:00Z', 'moment', 'UTC')).toBe('27 November 2026 at 05:30');
  });
});

describe('the tax that a total includes', () => {
  it.each([
    [900, { amount: 405, currency: 'SGD' }, 'Includes 9% GST of SGD 4.05'],
    [825, { amount: 1990, currency: 'JPY' }, 'Includes 8.25% GST of JPY 1,990'],
  ])('of %i basis points, %o, reads as a shopper knows it', (basisPoints, amount, words) => {
    expect(formatTax({ name: 'GST', basisPoints, amount }).replaceAll('\u00a0', ' ')).toBe(words);
  });
});

describe('an order', () => {
  it.each([
    ['ord_3f5xk2m7qa2b4c6dabcd', '3F5XK2M7QA'],
    ['ord_ab', 'AB'],
  ])('%s has the number %s', (orderId, number) => {
    expect(orderNumber(orderId)).toBe(number);
  });
});

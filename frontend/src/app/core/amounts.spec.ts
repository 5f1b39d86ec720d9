import { amountText, parseAmount } from './amounts';

describe('an amount that is typed', () => {
  it.each([
    ['19.90', 'SGD', 1990],
    ['19.9', 'SGD', 1990],
    [' 5 ', 'SGD', 500],
    ['1,990', 'JPY', 1990],
    ['1,234,567.89', 'SGD', 123456789],
    ['1.990', 'KWD', 1990],
    ['0', 'SGD', 0],
  ])('%s in %s is %s', (text, currency, minor) => {
    expect(parseAmount(text, currency)).toBe(minor);
  });

  it.each([
    ['', 'SGD'],
    ['free', 'SGD'],
    ['-1', 'SGD'],
    ['19,90', 'SGD'],
    ['1.999', 'SGD'],
    ['1.5', 'JPY'],
    ['99999999999999999999', 'SGD'],
  ])('%s is none in %s', (text, currency) => {
    expect(parseAmount(text, currency)).toBeNull();
  });

  it.each([
    [1990, 'SGD', '19.90'],
    [5, 'SGD', '0.05'],
    [1990, 'JPY', '1990'],
    [1990, 'KWD', '1.990'],
  ])('%s minor units of %s stand there as %s', (amount, currency, text) => {
    expect(amountText({ amount, currency })).toBe(text);
    expect(parseAmount(text, currency)).toBe(amount);
  });
});

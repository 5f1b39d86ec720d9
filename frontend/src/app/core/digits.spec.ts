import { cleanedDigits } from './digits';

describe('A pasted number', () => {
  it.each([
    '123456',
    ' 123456',
    '123 456',
    '123\u00a0456\n',
    '123-456',
    '123\u2013456',
    '\u200e123456',
    '１２３４５６',
    '١٢٣٤٥٦',
    '१२३४५६',
  ])('%j is what it means', (pasted) => {
    expect(cleanedDigits(pasted)).toBe('123456');
  });

  it('knows each digit of a script', () => {
    expect(cleanedDigits('٠١٢٣٤٥٦٧٨٩')).toBe('0123456789');
    expect(cleanedDigits('０１２３４５６７８９')).toBe('0123456789');
    expect(cleanedDigits('०१२३४५६७८९')).toBe('0123456789');
  });

  it('keeps what is no digit, so that it is refused', () => {
    expect(cleanedDigits('12345a')).toBe('12345a');
    expect(cleanedDigits('08 / 30')).toBe('08/30');
  });
});

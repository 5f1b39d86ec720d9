import { TEST_CARDS, grouped, tokenOf } from './card-form';
import { ApiError } from './problem';

const NOW = new Date(2026, 10, 22).getTime();
const GOOD = { number: '4242 4242 4242 4242', expiry: '12/28', cvc: '123' };

function problems(card: Partial<typeof GOOD>): Record<string, string> {
  try {
    tokenOf({ ...GOOD, ...card }, NOW);
  } catch (error) {
    return Object.fromEntries((error as ApiError).fields);
  }
  return {};
}

describe('The card form', () => {
  it('makes the token of each test card, however its number is written', () => {
    for (const { number, token } of TEST_CARDS) {
      expect(tokenOf({ ...GOOD, number }, NOW)).toBe(token);
      expect(tokenOf({ ...GOOD, number: number.replaceAll(' ', '') }, NOW)).toBe(token);
    }
  });

  it('lists numbers that pass the check of real cards', () => {
    for (const { number } of TEST_CARDS) {
      const digits = Array.from(number.replaceAll(' ', '')).reverse().map(Number);
      const doubled = digits.map((digit, place) => (place % 2 ? (digit * 2 > 9 ? digit * 2 - 9 : digit * 2) : digit));
      expect(doubled.reduce((sum, digit) => sum + digit) % 10).toBe(0);
    }
  });

  it('takes no other card', () => {
    expect(Object.keys(problems({ number: '5555 5555 5555 4444' }))).toEqual(['number']);
    expect(problems({ number: '5555 5555 5555 4444' })['number']).not.toContain('5555');
  });

  it('says everything that is wrong at once', () => {
    expect(Object.keys(problems({ number: '', expiry: '', cvc: '' }))).toEqual(['number', 'expiry', 'cvc']);
  });

  it.each(['13/28', '00/28', '1228x', '12', '12/1928', '12/028'])('does not take %s for a date', (expiry) => {
    expect(Object.keys(problems({ expiry }))).toEqual(['expiry']);
  });

  it('takes what was pasted, with blanks around it and digits of another script', () => {
    expect(tokenOf({ number: ' ４２４２ 4242-4242\u00a04242\n', expiry: ' 12 / 2028 ', cvc: ' １２３ ' }, NOW)).toBe(
      'tok_visa',
    );
    expect(tokenOf({ ...GOOD, expiry: '1228' }, NOW)).toBe('tok_visa');
  });

  it('takes a card to the end of its month', () => {
    expect(problems({ expiry: '11/26' })).toEqual({});
    expect(problems({ expiry: '10/26' })['expiry']).toBe('This card has expired.');
  });

  it('groups a number while it is entered', () => {
    expect(['4', '42424', '4242 4242', '4242-4242-4242-4242-99', 'abc'].map(grouped)).toEqual([
      '4',
      '4242 4',
      '4242 4242',
      '4242 4242 4242 4242',
      '',
    ]);
  });
});

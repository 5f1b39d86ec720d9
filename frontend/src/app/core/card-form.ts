/**
 * The sandbox's card form. As a real gateway's would, it makes a token of a card in the browser: the number goes
 * nowhere, and the shop never sees it. Only test cards work.
 */

import { cleanedDigits } from './digits';
import { ApiError } from './problem';

export interface TestCard {
  /** As it is printed on a card. */
  readonly number: string;
  readonly token: string;
  /** What happens to a payment with it. */
  readonly effect: string;
}

export const TEST_CARDS: readonly TestCard[] = [
  { number: '4242 4242 4242 4242', token: 'tok_visa', effect: 'is accepted' },
  { number: '4000 0000 0000 0002', token: 'tok_declined', effect: 'is declined' },
  { number: '4000 0000 0000 0119', token: 'tok_timeout', effect: 'is charged, but the answer is delayed' },
  { number: '4000 0000 0000 0341', token: 'tok_flaky', effect: 'fails twice, then is accepted' },
  { number: '4000 0027 6000 3184', token: 'tok_3ds', effect: 'is accepted once you confirm it with your bank' },
  { number: '4000 0025 0000 3155', token: 'tok_3ds_late', effect: 'is the same, but your bank’s answer is delayed' },
  { number: '4000 0000 0000 5126', token: 'tok_norefund', effect: 'is accepted, but cannot be refunded' },
  { number: '4000 0000 0000 7726', token: 'tok_refund_fails_later', effect: 'is accepted; a refund fails later' },
  { number: '4000 0000 0000 0259', token: 'tok_dispute', effect: 'is accepted, then disputed' },
  { number: '4000 0000 0000 1976', token: 'tok_dispute_won', effect: 'is disputed, and the shop wins' },
  { number: '4000 0000 0000 2685', token: 'tok_dispute_lost', effect: 'is disputed, and the shop loses' },
];

export interface Card {
  readonly number: string;
  /** MM/YY */
  readonly expiry: string;
  readonly cvc: string;
}

/**
 * The token of a test card.
 *
 * @param now milliseconds since 1970, by the shop's clock.
 * @throws {ApiError} `invalid-card` with what is wrong with `number`, `expiry` and `cvc`.
 */
export function tokenOf(card: Card, now: number): string {
  const problems = new Map<keyof Card, string>();
  const number = cleanedDigits(card.number);
  const known = TEST_CARDS.find((each) => cleanedDigits(each.number) === number);
  if (!number) problems.set('number', 'Enter your card number.');
  else if (!known) problems.set('number', 'Only the test cards below work here. Please do not enter a real card.');
  const [, month, year] = /^(0?[1-9]|1[0-2])\/?(?:20)?(\d{2})$/.exec(cleanedDigits(card.expiry)) ?? [];
  if (!month || !year) problems.set('expiry', 'Enter the expiry date as MM/YY, like 08/30.');
  // A card is good to the end of its month.
  else if (new Date(2000 + Number(year), Number(month)).getTime() <= now)
    problems.set('expiry', 'This card has expired.');
  if (!/^\d{3}$/.test(cleanedDigits(card.cvc))) problems.set('cvc', 'Enter the 3-digit security code.');
  if (!known || problems.size) throw new ApiError(422, 'invalid-card', 'Please check your card details.', problems);
  return known.token;
}

/** The number in groups of four while it is entered. */
export function grouped(number: string): string {
  return cleanedDigits(number)
    .replace(/\D/g, '')
    .slice(0, 16)
    .replace(/(.{4})(?=.)/g, '$1 ');
}

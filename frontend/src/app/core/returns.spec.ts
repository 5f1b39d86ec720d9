import { RefundView } from '../api/models';
import { SGD, order, sentBack } from '../../testing/orders';
import { isReturnable, outcomeOf, piecesOf, returnNumber } from './returns';

function refund(status: RefundView['status'], amount = 1990): RefundView {
  return { refundId: 'ret_1', status, amount: { ...SGD, amount } };
}

describe('A return', () => {
  it.each<[RefundView | undefined, string]>([
    [undefined, 'We are working out your refund.'],
    [refund('REQUESTED'), 'We are refunding SGD\u00a019.90.'],
    [refund('DONE'), 'We refunded SGD\u00a019.90.'],
    [refund('TO_PAY_BY_HAND'), 'We owe you SGD\u00a019.90, and will write to you to agree on how you get it.'],
    [refund('PAID_BY_HAND'), 'We paid SGD\u00a019.90 back to you.'],
    [refund('DONE', 0), 'There was nothing left to pay back.'],
  ])('that was received says what became of its money: %#', (known, said) => {
    expect(outcomeOf(sentBack('ACCEPTED'), known)).toBe(said);
  });

  it.each([
    ['NEVER_ARRIVED', 'did not arrive'],
    ['NOT_OURS', 'not what you ordered'],
    ['USED', 'have been used'],
    ['TOO_HEAVY', 'could not take'],
  ])('that was refused as %s says so in words', (refusal, said) => {
    expect(outcomeOf(sentBack('REFUSED', { refusal }), undefined)).toContain(said);
  });

  it('that was withdrawn does not say that what is under way is lost', () => {
    expect(outcomeOf(sentBack('WITHDRAWN'), undefined)).toContain('we still take them back');
  });

  it('is about what was taken of it, once that is known', () => {
    const lines = [{ productId: 'mug', quantity: 2 }];
    const taken = [{ productId: 'mug', quantity: 1 }];
    expect(piecesOf(sentBack('REQUESTED', { lines }), order('DELIVERED'))).toEqual(['2 \u00d7 Morning Mug']);
    expect(piecesOf(sentBack('ACCEPTED', { lines, taken }), order('DELIVERED'))).toEqual(['1 \u00d7 Morning Mug']);
  });

  it('has the number that the mail names', () => {
    expect(returnNumber('ret_9c4hd81xwe2b4c6dabcd')).toBe('9C4HD81XWE');
  });

  it('is possible while a piece is left', () => {
    expect(isReturnable(order('DELIVERED'))).toBe(false);
    expect(isReturnable(order('DELIVERED', [], { returnable: [{ productId: 'mug', quantity: 0 }] }))).toBe(false);
    expect(isReturnable(order('DELIVERED', [], { returnable: [{ productId: 'mug', quantity: 1 }] }))).toBe(true);
  });
});

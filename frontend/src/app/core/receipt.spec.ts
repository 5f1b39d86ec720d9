import { OrderView, PaymentView } from '../api/models';
import { paidText, refundedOf } from './receipt';

describe('a receipt', () => {
  it.each([
    ['RESERVED', null, 'This order is not paid yet.'],
    ['CONFIRMED', 'CARD', 'Paid by card.'],
    ['SHIPPED', 'COD', 'To be paid in cash on delivery.'],
    ['DELIVERED', 'COD', 'Paid in cash on delivery.'],
    ['CANCELLED', 'CARD', 'This order was cancelled.'],
  ] as const)('of an order that is %s by %s says: %s', (status, paymentMethod, text) => {
    expect(paidText({ status, paymentMethod } as OrderView)).toBe(text);
  });

  it('counts what has gone back, and not what is on its way', () => {
    const refund = (status: string, amount: number) => ({ status, amount: { amount, currency: 'SGD' } });
    const refunds = [refund('DONE', 100), refund('PAID_BY_HAND', 20), refund('REQUESTED', 3)];
    expect(refundedOf({ refunds } as unknown as PaymentView)).toBe(120);
    expect(refundedOf(null)).toBe(0);
  });
});

import { HistoryEntry, OrderStatus, OrderView, PaymentProgress, PaymentView } from '../api/models';
import { endOf, isPaying, isSettled, storyOf } from './order-story';

const SGD = { amount: 1990, currency: 'SGD' };

function entry(event: string, more: Partial<HistoryEntry> = {}): HistoryEntry {
  const at = '2026-11-22T10:00:00Z';
  return { event, at, causedBy: event, status: 'PENDING', reason: null, attempt: null, shortages: [], ...more };
}

function order(status: OrderStatus, story: HistoryEntry[] = [entry('OrderPlaced')], more: Partial<OrderView> = {}) {
  return {
    orderId: 'ord_1',
    status,
    items: [{ productId: 'mug', name: 'Morning Mug', quantity: 3, unitPrice: SGD }],
    total: SGD,
    createdAt: '2026-11-22T10:00:00Z',
    shippingAddress: { name: 'A', line1: 'B', city: 'C', postalCode: 'D', country: 'SG' },
    paymentMethod: null,
    codRefusal: null,
    reservedUntil: null,
    story,
    ...more,
  } satisfies OrderView;
}

function payment(status: PaymentProgress, more: Partial<PaymentView> = {}): PaymentView {
  const none = { method: null, attempts: 0, declineReason: null };
  return { orderId: 'ord_1', status, amount: SGD, maxAttempts: 3, ...none, ...more };
}

function last(told: OrderView, paid: PaymentView | null = null) {
  return storyOf(told, paid).at(-1)!;
}

describe("An order's story", () => {
  it('says that what was sold out was not charged, and how many were left', () => {
    const shortages = [{ productId: 'mug', requested: 3, available: 1 }];
    const step = last(order('REJECTED', [entry('InventoryReservationFailed', { reason: 'SOLD_OUT', shortages })]));
    expect(step.title).toBe('Sold out');
    expect(step.text).toBe(
      'Someone else was a moment faster. You were not charged. Morning Mug: you ordered 3, only 1 left.',
    );
  });

  it('tells an order that was heard of too late from one that was sold out', () => {
    const step = last(order('REJECTED', [entry('InventoryReservationFailed', { reason: 'EXPIRED' })]));
    expect(step.title).not.toContain('Sold out');
    expect(step.text).toContain('not charged');
  });

  it('tells a card that was charged from cash that will be', () => {
    const paid = [entry('OrderPlaced'), entry('PaymentSucceeded')];
    expect(last(order('CONFIRMED', paid, { paymentMethod: 'CARD' })).text).toBe('We charged your card.');
    expect(last(order('CONFIRMED', paid, { paymentMethod: 'COD' })).text).toBe('You pay in cash when it arrives.');
  });

  it('promises no refund before the shop knows that there is something to give back', () => {
    const cancelled = order('CANCELLED', [entry('CancelledByShopper')]);
    expect(last(cancelled, payment('SUBMITTED')).text).toContain('If you were charged');
    expect(last(cancelled, payment('REFUNDING')).title).toBe('Refunding your payment');
    expect(last(cancelled, payment('VOIDED')).text).toBe('You were not charged.');
  });

  it('owns up to a refund that cannot be made', () => {
    const story = [entry('CancelledByShopper'), entry('PaymentRefundFailed')];
    expect(last(order('CANCELLED', story), payment('REFUND_FAILED')).text).toContain('We owe you');
  });

  it.each([
    ['DECLINED', 'PAYMENT_DECLINED', 'no attempts left'],
    ['too late', 'PAYMENT_WINDOW_CLOSED', 'any longer'],
  ])('says why a payment that was %s ended the order', (_, reason, said) => {
    const end = endOf(order('CANCELLED', [entry('PaymentFailed', { reason })]));
    expect(end?.text).toContain(said);
    expect(end?.text).toContain('not charged');
  });

  it('has no raw name for an event that is newer than the page', () => {
    expect(storyOf(order('CONFIRMED', [entry('DroneCrashed', { reason: 'wind' })]), null)[0]).toMatchObject({
      title: 'Order updated',
      text: '',
    });
  });
});

describe('A payment is being made', () => {
  it.each<[string, PaymentView, OrderView, boolean]>([
    ['nobody has chosen', payment('OPEN'), order('RESERVED'), false],
    ['payments has not heard of the order', payment('WAITING'), order('RESERVED'), false],
    ['cash was chosen at checkout', payment('WAITING'), order('RESERVED', [], { paymentMethod: 'COD' }), true],
    ['a method was chosen a moment ago', payment('OPEN', { method: 'CARD' }), order('RESERVED'), true],
    ['an attempt runs', payment('SUBMITTED', { attempts: 1 }), order('RESERVED'), true],
    ['it succeeded, and the order has not heard of it', payment('SUCCEEDED'), order('RESERVED'), true],
    ['it was declined', payment('OPEN', { attempts: 1, declineReason: 'no' }), order('RESERVED'), false],
    ['the order is cancelled', payment('SUBMITTED'), order('CANCELLED'), false],
  ])('when %s: %#', (_, paid, told, expected) => {
    expect(isPaying(told, paid)).toBe(expected);
  });
});

describe('An order has come to its end', () => {
  it('once it is confirmed or refused', () => {
    expect(isSettled(order('CONFIRMED'), null)).toBe(true);
    expect(isSettled(order('REJECTED'), null)).toBe(true);
    expect(isSettled(order('PENDING'), null)).toBe(false);
    expect(isSettled(order('RESERVED'), payment('OPEN'))).toBe(false);
  });

  it('once a cancelled one owes nothing, and its story says so', () => {
    const cancelled = order('CANCELLED', [entry('CancelledByShopper')]);
    const refunded = order('CANCELLED', [entry('CancelledByShopper'), entry('PaymentRefunded')]);
    expect(isSettled(cancelled, null)).toBe(false);
    expect(isSettled(cancelled, payment('SUCCEEDED'))).toBe(false);
    expect(isSettled(cancelled, payment('REFUNDING'))).toBe(false);
    expect(isSettled(cancelled, payment('REFUNDED'))).toBe(false);
    expect(isSettled(refunded, payment('REFUNDED'))).toBe(true);
    expect(isSettled(cancelled, payment('VOIDED'))).toBe(true);
    expect(isSettled(cancelled, payment('FAILED'))).toBe(true);
  });
});

import { OrderView, PaymentView, RefundView } from '../api/models';
import { SGD, entry, order, payment, sentBack } from '../../testing/orders';
import { awaits, endOf, isPaying, storyOf } from './order-story';

function refund(status: RefundView['status'], refundId = 'cancellation', amount = 1990): RefundView {
  return { refundId, status, amount: { amount, currency: 'SGD' } };
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
    const confirmed = (paymentMethod: 'CARD' | 'COD') => storyOf(order('CONFIRMED', paid, { paymentMethod }), null)[1];
    expect(confirmed('CARD')?.text).toBe('We charged your card.');
    expect(confirmed('COD')?.text).toBe('You pay in cash when it arrives.');
  });

  it('promises no refund before the shop knows that there is something to give back', () => {
    const cancelled = order('CANCELLED', [entry('CancelledByShopper')]);
    expect(last(cancelled, payment('SUBMITTED')).text).toContain('If you were charged');
    expect(last(cancelled, payment('SUCCEEDED', { refunds: [refund('REQUESTED')] })).title).toBe(
      'Refunding your payment',
    );
    expect(last(cancelled, payment('VOIDED')).text).toBe('You were not charged.');
  });

  it('owns up to a refund that cannot be made', () => {
    const failed = entry('PaymentRefundFailed', { about: 'cancellation', amount: SGD });
    const story = storyOf(
      order('CANCELLED', [entry('CancelledByShopper'), failed], { paymentMethod: 'CARD' }),
      payment('SUCCEEDED', { refunds: [refund('TO_PAY_BY_HAND')] }),
    );
    expect(story[1]?.text).toContain('We owe you SGD\u00a019.90');
    expect(story[2]?.title).toBe('Paying you back by hand');
  });

  it('calls no card by its name where cash is paid back by hand', () => {
    const about = { about: 'ret_1', amount: SGD };
    const story = storyOf(
      order('DELIVERED', [entry('PaymentRefundFailed', about), entry('PaymentRefunded', about)], {
        paymentMethod: 'COD',
      }),
      null,
    );
    expect(story.map(({ mood }) => mood)).toEqual(['plain', 'good']);
    expect(story.map(({ text }) => text).join(' ')).not.toContain('card');
    expect(story[1]?.text).toBe('We paid SGD\u00a019.90 back to you.');
  });

  it('tells a card that took the refund back from the person who then paid it', () => {
    const about = { about: 'ret_1', amount: SGD };
    const story = storyOf(
      order(
        'DELIVERED',
        [
          entry('PaymentRefunded', about),
          entry('PaymentRefundFailed', about),
          entry('PaymentRefunded', { ...about, reference: 'transfer-1' }),
        ],
        { paymentMethod: 'CARD' },
      ),
      null,
    );
    expect(story[0]?.text).toContain('to your card');
    expect(story[2]?.text).toBe('We paid SGD\u00a019.90 back to you.');
  });

  it('tells what a bank disputes, and how that ended', () => {
    const about = { about: 'du_1', amount: SGD };
    const [opened, lost, won] = storyOf(
      order('CONFIRMED', [
        entry('PaymentDisputed', about),
        entry('PaymentDisputeClosed', { ...about, reason: 'LOST' }),
        entry('PaymentDisputeClosed', { ...about, reason: 'WON' }),
      ]),
      null,
    );
    expect(opened?.text).toContain('asks us for SGD\u00a019.90 back');
    expect(lost?.text).toBe('You have SGD\u00a019.90 back from it.');
    expect(won?.text).toBe('The payment stands.');
  });

  it('says how much of it comes back, as there may be several refunds', () => {
    const story = [entry('PaymentRefunded', { about: 'ret_1', amount: { amount: 500, currency: 'SGD' } })];
    expect(last(order('DELIVERED', story, { paymentMethod: 'CARD' })).text).toContain('SGD\u00a05.00 to your card');
  });

  it('tells a parcel that was faster than its cancellation from one that simply left', () => {
    const parcel = { carrier: 'SingPost', trackingNumber: 'SP1', trackingUrl: null };
    const left = entry('ShipmentDispatched');
    const asked = entry('CancellationRequested', { reason: 'BY_SHOPPER' });
    expect(storyOf(order('SHIPPED', [left], { parcel }), null)[0]).toMatchObject({
      title: 'Handed to the carrier',
      text: 'Your parcel is with SingPost.',
    });
    const faster = storyOf(order('SHIPPED', [asked, left], { parcel }), null)[1];
    expect(faster?.title).toBe('Your parcel was faster');
    expect(faster?.text).toContain('you can send it back');
  });

  it('does not promise that a confirmed order is cancelled before it is known where its parcel is', () => {
    const asked = order('CANCELLING', [entry('CancellationRequested', { reason: 'BY_SHOPPER' })]);
    expect(storyOf(asked, null)[0]?.title).toBe('Cancellation requested');
    expect(last(asked)).toMatchObject({ title: 'Checking whether your parcel has left', at: null });
  });

  it.each([
    ['CancelledByShop', { reason: 'BY_SHOP', note: 'It broke.' }],
    ['CancellationRequested', { reason: 'BY_SHOP', note: 'It broke.' }],
    ['ReturnRefused', { reason: 'USED', note: 'It broke.' }],
  ])('gives what staff noted about %s to the shopper', (event, more) => {
    expect(storyOf(order('CANCELLED', [entry(event, more)]), null)[0]?.text).toContain('Our note to you: It broke.');
  });

  it.each([
    ['PARCEL_REFUSED', 'not accepted at the door'],
    ['PARCEL_UNDELIVERABLE', 'delivery address'],
    ['PARCEL_LOST', 'lost on its way'],
    ['EATEN_BY_A_DOG', 'did not arrive'],
  ])('says what became of a parcel that was %s', (reason, said) => {
    expect(endOf(order('CANCELLED', [entry('ShipmentReturned', { reason })]))?.text).toContain(said);
  });

  it('tells what the courier collected, also where that was nothing', () => {
    const collected = (amount: number) =>
      last(order('DELIVERED', [entry('PaymentCollected', { amount: { amount, currency: 'SGD' } })])).text;
    expect(collected(1500)).toBe('You paid the courier SGD\u00a015.00.');
    expect(collected(0)).toBe('The courier collected no cash.');
  });

  it.each<[string, OrderView, PaymentView | null]>([
    ['Packing your order', order('CONFIRMED'), null],
    ['On its way to you', order('SHIPPED'), null],
    ['Waiting for your return', order('DELIVERED', [], { returns: [sentBack('REQUESTED')] }), null],
    ['Working out your refund', order('DELIVERED', [], { returns: [sentBack('ACCEPTED')] }), payment('SUCCEEDED')],
  ])('ends with what is going on: %s', (title, told, paid) => {
    expect(last(told, paid)).toMatchObject({ title, mood: 'now', at: null });
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
    ['the bank is asked', payment('CHALLENGED', { challenge: 'secret' }), order('RESERVED'), false],
    ['the challenge is called off', payment('CHALLENGED'), order('RESERVED'), true],
  ])('when %s: %#', (_, paid, told, expected) => {
    expect(isPaying(told, paid)).toBe(expected);
  });
});

describe('An order waits', () => {
  const said = (refundId: string) => entry('PaymentRefunded', { about: refundId });
  const cancelled = order('CANCELLED', [entry('CancelledByShopper')]);
  const returned = order('DELIVERED', [], { returns: [sentBack('ACCEPTED')] });
  const cash = { paymentMethod: 'COD' } as const;

  it.each<[string, ReturnType<typeof awaits>, OrderView, PaymentView | null]>([
    ['its goods are being set aside', 'the shop', order('PENDING'), null],
    ['it is to be paid', 'the shop', order('RESERVED'), payment('OPEN')],
    ['it is confirmed', 'a person', order('CONFIRMED'), null],
    ['it may be cancelled', 'the shop', order('CANCELLING'), null],
    ['it is on its way', 'a person', order('SHIPPED'), null],
    ['it arrived', null, order('DELIVERED'), null],
    ['it arrived, and what was paid for it is not told yet', 'the shop', order('DELIVERED', [], cash), null],
    ['it arrived and was paid', null, order('DELIVERED', [entry('PaymentCollected')], cash), null],
    ['it was refused', null, order('REJECTED'), null],
    ['a return is on its way', 'a person', order('DELIVERED', [], { returns: [sentBack('REQUESTED')] }), null],
    ['a return was withdrawn', null, order('DELIVERED', [], { returns: [sentBack('WITHDRAWN')] }), null],
    ['a return was received', 'the shop', returned, payment('SUCCEEDED')],
    ['it is refunded', 'the shop', returned, payment('SUCCEEDED', { refunds: [refund('REQUESTED', 'ret_1')] })],
    ['it was refunded', 'the shop', returned, payment('SUCCEEDED', { refunds: [refund('DONE', 'ret_1')] })],
    [
      'it was refunded, and its story says so',
      null,
      { ...returned, story: [said('ret_1')] },
      payment('SUCCEEDED', { refunds: [refund('DONE', 'ret_1')] }),
    ],
    [
      'the courier had collected nothing',
      null,
      returned,
      payment('SUCCEEDED', { refunds: [refund('DONE', 'ret_1', 0)] }),
    ],
    [
      'somebody has to pay it back by hand',
      'a person',
      returned,
      payment('SUCCEEDED', { refunds: [refund('TO_PAY_BY_HAND', 'ret_1')] }),
    ],
    ['it is cancelled', 'the shop', cancelled, null],
    ['it is cancelled, and its payment has not heard', 'the shop', cancelled, payment('SUCCEEDED')],
    ['its cancelled payment runs', 'the shop', cancelled, payment('SUBMITTED')],
    ['nothing was paid', null, cancelled, payment('VOIDED')],
    ['the payment failed', null, cancelled, payment('FAILED')],
    [
      'the money is back',
      null,
      { ...cancelled, story: [said('cancellation')] },
      payment('SUCCEEDED', { refunds: [refund('DONE')] }),
    ],
    [
      'another refund is still on its way',
      'the shop',
      { ...cancelled, story: [said('cancellation')] },
      payment('SUCCEEDED', { refunds: [refund('DONE'), refund('REQUESTED', 'attempt:1')] }),
    ],
  ])('when %s: %s', (_, expected, told, paid) => {
    expect(awaits(told, paid)).toBe(expected);
  });
});

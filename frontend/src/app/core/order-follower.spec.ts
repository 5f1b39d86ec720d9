import { TestBed } from '@angular/core/testing';
import { OrderStatus, OrderView, PaymentView } from '../api/models';
import { FakeShop, fail, quiet, refuse } from '../../testing/shop';
import { OrderFollower, USUAL } from './order-follower';
import { Poller } from './poller';

const SGD = { amount: 1990, currency: 'SGD' };

function order(status: OrderStatus, orderId = 'ord_1'): OrderView {
  return {
    orderId,
    status,
    items: [],
    total: SGD,
    createdAt: '2026-11-22T10:00:00Z',
    shippingAddress: { name: 'A', line1: 'B', city: 'C', postalCode: 'D', country: 'SG' },
    paymentMethod: null,
    codRefusal: null,
    reservedUntil: null,
    story: [],
  };
}

function payment(status: PaymentView['status']): PaymentView {
  return { orderId: 'ord_1', status, amount: SGD, maxAttempts: 3, method: null, attempts: 0, declineReason: null };
}

describe('Who follows an order', () => {
  let shop: FakeShop;
  let follower: OrderFollower;

  beforeEach(() => {
    TestBed.configureTestingModule({ providers: [OrderFollower, Poller] });
    shop = new FakeShop();
    follower = TestBed.inject(OrderFollower);
  });

  afterEach(() => TestBed.inject(Poller).stop());

  const asked = (orderId = 'ord_1') => shop.takes('GET', `/api/orders/${orderId}`);
  const askedToPay = () => shop.takes('GET', '/api/orders/ord_1/payment');

  it('asks until it is confirmed, for the payment while it is awaited, and then no more', async () => {
    follower.follow('ord_1');
    (await asked()).flush(order('PENDING'));
    (await asked()).flush(order('RESERVED'));
    (await askedToPay()).flush(payment('SUBMITTED'));
    await vi.waitFor(() => expect(follower.paying()).toBe(true));
    (await asked()).flush(order('CONFIRMED'));
    await vi.waitFor(() => expect(follower.order()?.status).toBe('CONFIRMED'));
    await new Promise((resolve) => setTimeout(resolve, 700));
    await shop.isLeftAlone();
  });

  it('says after half a minute that a payment takes longer, until its answer comes', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      follower.order.set(order('RESERVED'));
      follower.payment.set(payment('SUBMITTED'));
      TestBed.tick();
      vi.advanceTimersByTime(USUAL - 1);
      expect(follower.payingLong()).toBe(false);
      vi.advanceTimersByTime(1);
      expect(follower.payingLong()).toBe(true);
      follower.order.set(order('CONFIRMED'));
      TestBed.tick();
      expect(follower.payingLong()).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps what is known when the shop cannot be reached', async () => {
    follower.follow('ord_1');
    (await asked()).flush(order('PENDING'));
    fail(await asked(), 0);
    await vi.waitFor(() => expect(follower.unreachable()).toBe(true));
    expect(follower.order()?.status).toBe('PENDING');
    expect(follower.problem()).toBeNull();
  });

  it('says that there is no such order', async () => {
    follower.follow('ord_1');
    refuse(await asked(), 404, 'not-found');
    await vi.waitFor(() => expect(follower.problem()?.status).toBe(404));
  });

  it('does not take the answer about one order for one about the next', async () => {
    follower.follow('ord_1');
    const late = await asked();
    follower.follow('ord_2');
    late.flush(order('PENDING'));
    const right = await asked('ord_2');
    expect(follower.order()).toBeNull();
    right.flush(order('CONFIRMED', 'ord_2'));
    await vi.waitFor(() => expect(follower.order()?.orderId).toBe('ord_2'));
  });

  it('shows what the shop answers to the shopper at once, and looks what comes of it', async () => {
    follower.follow('ord_1');
    (await asked()).flush(order('CONFIRMED'));
    await vi.waitFor(() => expect(follower.order()).not.toBeNull());
    await quiet();
    follower.accept(order('CANCELLED'));
    expect(follower.order()?.status).toBe('CANCELLED');
    (await asked()).flush(order('CANCELLED'));
    (await askedToPay()).flush(payment('REFUNDING'));
    await vi.waitFor(() => expect(follower.payment()?.status).toBe('REFUNDING'));
  });
});

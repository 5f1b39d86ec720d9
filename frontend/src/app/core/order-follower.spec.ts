import { TestBed } from '@angular/core/testing';
import { order, payment, sentBack } from '../../testing/orders';
import { FakeShop, fail, quiet, refuse } from '../../testing/shop';
import { OrderFollower, USUAL } from './order-follower';
import { Poller } from './poller';

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

  it('asks until there is nothing to wait for, for the payment while that matters, and then no more', async () => {
    follower.follow('ord_1');
    (await asked()).flush(order('PENDING'));
    (await asked()).flush(order('RESERVED'));
    (await askedToPay()).flush(payment('SUBMITTED'));
    await vi.waitFor(() => expect(follower.paying()).toBe(true));
    (await asked()).flush(order('SHIPPED'));
    await vi.waitFor(() => expect(follower.order()?.status).toBe('SHIPPED'));
    (await asked()).flush(order('DELIVERED'));
    await vi.waitFor(() => expect(follower.order()?.status).toBe('DELIVERED'));
    await new Promise((resolve) => setTimeout(resolve, 700));
    await shop.isLeftAlone();
  });

  it('goes on after the end when something is sent back, until the money is', async () => {
    const returned = (status: 'REQUESTED' | 'ACCEPTED') => order('DELIVERED', [], { returns: [sentBack(status)] });
    const back = (status: 'REQUESTED' | 'DONE') =>
      payment('SUCCEEDED', { refunds: [{ refundId: 'ret_1', amount: { amount: 0, currency: 'SGD' }, status }] });
    follower.follow('ord_1');
    (await asked()).flush(order('DELIVERED'));
    await vi.waitFor(() => expect(follower.order()?.status).toBe('DELIVERED'));
    await quiet();
    follower.accept(returned('REQUESTED'));
    (await asked()).flush(returned('ACCEPTED'));
    (await askedToPay()).flush(back('REQUESTED'));
    (await asked()).flush(returned('ACCEPTED'));
    (await askedToPay()).flush(back('DONE'));
    await vi.waitFor(() => expect(follower.payment()?.refunds[0]?.status).toBe('DONE'));
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
    right.flush(order('CONFIRMED', [], { orderId: 'ord_2' }));
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
    (await askedToPay()).flush(payment('SUCCEEDED'));
    await vi.waitFor(() => expect(follower.payment()?.status).toBe('SUCCEEDED'));
  });
});

import { TestBed } from '@angular/core/testing';
import { TestRequest } from '@angular/common/http/testing';
import { Checkout } from '../api/models';
import { FakeShop, fail, quiet, refuse, tokensOf } from '../../testing/shop';
import { CheckoutAttempt, Entered } from './checkout-attempt';
import { Session } from './session';

const ADDRESS = { name: 'A', line1: 'B', line2: null, city: 'C', postalCode: 'D', country: 'SG' };

function checkout(cartVersion: number, city = 'C'): Checkout {
  const total = { amount: 4900, currency: 'SGD' };
  return { cartVersion, total, shippingMethod: 'standard', shippingAddress: { ...ADDRESS, city }, paymentMethod: null };
}

describe('A checkout', () => {
  let shop: FakeShop;
  let attempt: CheckoutAttempt;

  async function logIn(userId: string): Promise<void> {
    const done = TestBed.inject(Session).login({ email: 'a', password: 'b' });
    (await shop.takes('POST', '/api/auth/login')).flush(tokensOf(userId));
    await done;
    await quiet();
  }

  const sent = () => shop.takes('POST', '/api/orders');
  const keyOf = (request: TestRequest) => request.request.headers.get('Idempotency-Key');
  const accept = (request: TestRequest, orderId = 'ord_1') => request.flush({ orderId, status: 'PENDING' });

  beforeEach(async () => {
    shop = new FakeShop();
    attempt = TestBed.inject(CheckoutAttempt);
    await logIn('sam');
  });

  it('that is refused keeps its key, and the next one has another', async () => {
    const first = attempt.place(checkout(1));
    const refused = await sent();
    refuse(refused, 409, 'price-changed');
    await expect(first).rejects.toMatchObject({ type: 'price-changed' });

    const second = attempt.place(checkout(2));
    const taken = await sent();
    accept(taken);
    await expect(second).resolves.toMatchObject({ orderId: 'ord_1', asEntered: true });
    expect(keyOf(taken)).toBe(keyOf(refused));

    const other = attempt.place(checkout(4));
    const next = await sent();
    accept(next, 'ord_2');
    await other;
    expect(keyOf(next)).not.toBe(keyOf(taken));
  });

  it('whose answer got lost is the same order when it is sent again', async () => {
    const first = attempt.place(checkout(1));
    const lost = await sent();
    fail(lost, 0);
    await expect(first).rejects.toMatchObject({ mayPass: true });

    const again = attempt.place(checkout(1));
    const repeated = await sent();
    accept(repeated);
    await expect(again).resolves.toMatchObject({ orderId: 'ord_1', asEntered: true });
    expect([keyOf(repeated), repeated.request.body]).toEqual([keyOf(lost), lost.request.body]);
  });

  it('whose answer got lost is found again although the address was changed meanwhile', async () => {
    const first = attempt.place(checkout(1));
    fail(await sent(), 503);
    await expect(first).rejects.toMatchObject({ mayPass: true });

    const changed = attempt.place(checkout(1, 'Elsewhere'));
    refuse(await sent(), 422, 'idempotency-key-reused');
    const repeated = await sent();
    expect((repeated.request.body as Checkout).shippingAddress.city).toBe('C');
    accept(repeated);
    await expect(changed).resolves.toEqual({ orderId: 'ord_1', method: 'CARD', asEntered: false });
  });

  it('with a key that is spent, by an order that nobody remembers, gets another key', async () => {
    const first = attempt.place(checkout(1));
    const spent = await sent();
    refuse(spent, 422, 'idempotency-key-reused');
    await expect(first).rejects.toMatchObject({ type: 'idempotency-key-reused' });
    const second = attempt.place(checkout(1));
    const fresh = await sent();
    expect(keyOf(fresh)).not.toBe(keyOf(spent));
    accept(fresh);
    await second;
  });

  describe('after a reload', () => {
    beforeEach(async () => {
      attempt.keep({ address: ADDRESS, method: 'CARD', delivery: 'standard' });
      const first = attempt.place(checkout(1));
      fail(await sent(), 0);
      await expect(first).rejects.toMatchObject({ mayPass: true });
    });

    it('is not sent again while the cart is the one that was ordered: there is no order of it', async () => {
      await expect(attempt.recover(1)).resolves.toBeNull();
      await shop.isLeftAlone();
    });

    it('is found once the cart is another one: the order has emptied it', async () => {
      const found = attempt.recover(2);
      accept(await sent());
      await expect(found).resolves.toMatchObject({ orderId: 'ord_1', asEntered: true });
    });

    it.each<[string, Partial<Entered>]>([
      ['city', { address: { ...ADDRESS, city: 'Elsewhere' } }],
      ['state', { address: { ...ADDRESS, state: 'CA' } }],
      ['phone number', { address: { ...ADDRESS, phone: '+6561234567' } }],
      ['payment method', { method: 'COD' }],
      ['delivery', { delivery: 'express' }],
    ])('tells that another %s was entered since, which is not in the order', async (_, changes) => {
      attempt.keep({ address: ADDRESS, method: 'CARD', delivery: 'standard', ...changes });
      const found = attempt.recover(2);
      accept(await sent());
      await expect(found).resolves.toEqual({ orderId: 'ord_1', method: 'CARD', asEntered: false });
    });

    it('is forgotten where the shop has no such order', async () => {
      const found = attempt.recover(2);
      refuse(await sent(), 409, 'cart-changed');
      await expect(found).resolves.toBeNull();
      await expect(attempt.recover(3)).resolves.toBeNull();
      await shop.isLeftAlone();
    });
  });

  it('keeps what was entered, for the shopper who did', async () => {
    attempt.keep({ address: ADDRESS, method: 'COD', delivery: 'express' });
    expect(attempt.entered).toMatchObject({ address: ADDRESS, method: 'COD', delivery: 'express' });

    const out = TestBed.inject(Session).logout();
    (await shop.takes('POST', '/api/auth/logout')).flush('', { status: 204, statusText: 'No Content' });
    await out;
    await quiet();
    expect(sessionStorage).toHaveLength(0);
    await logIn('olga');
    expect(attempt.entered).toMatchObject({ address: null, method: 'CARD', delivery: null });
  });
});

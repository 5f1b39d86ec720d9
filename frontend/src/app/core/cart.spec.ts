import { TestBed } from '@angular/core/testing';
import { FakeShop, cartOf, fail, line, product, quiet, refuse, tokensOf } from '../../testing/shop';
import { ProductView } from '../api/models';
import { CartStore } from './cart';
import { Session } from './session';

const KEY = 'cloudretail.cart';
const MUG = product('mug', 2400);
const VIOLIN = product('violin', 269900, 3);

let shop: FakeShop;

beforeEach(() => {
  shop = new FakeShop();
});

function open(): CartStore {
  const cart = TestBed.inject(CartStore);
  TestBed.tick();
  return cart;
}

/** A stranger puts something into the cart. */
async function collect(cart: CartStore, what: ProductView, quantity = 1): Promise<void> {
  const added = cart.add(what, quantity);
  (await shop.takes('GET', `/api/products/${what.productId}`)).flush(what);
  await added;
}

async function logIn(userId = 'ann'): Promise<void> {
  const done = TestBed.inject(Session).login({ email: 'ann@example.com', password: 'x' });
  (await shop.takes('POST', '/api/auth/login')).flush(tokensOf(userId));
  await done;
  TestBed.tick();
}

async function logOut(): Promise<void> {
  const done = TestBed.inject(Session).logout();
  (await shop.takes('POST', '/api/auth/logout')).flush('');
  await done;
  TestBed.tick();
}

function kept(): { mergeId: string; items: unknown } {
  return JSON.parse(localStorage.getItem(KEY)!) as { mergeId: string; items: unknown };
}

describe("a stranger's cart", () => {
  it('adds up what the products cost', async () => {
    const cart = open();
    await collect(cart, MUG, 2);
    await collect(cart, VIOLIN);
    await collect(cart, MUG);
    expect(cart.count()).toBe(4);
    expect(cart.total()).toEqual({ amount: 3 * 2400 + 269900, currency: 'SGD' });
    expect(cart.ready()).toBe(true);
    expect(cart.version()).toBeNull();
  });

  it('keeps product ids and quantities in the browser, and nothing else', async () => {
    const cart = open();
    await collect(cart, MUG, 2);
    expect(kept()).toEqual({ mergeId: expect.any(String) as string, items: [{ productId: 'mug', quantity: 2 }] });
  });

  it('is there again after a reload, at the prices of then', async () => {
    localStorage.setItem(KEY, '{"mergeId": "m", "items": [{"productId": "mug", "quantity": 2}]}');
    const cart = open();
    expect([cart.count(), cart.ready()]).toEqual([2, false]);
    const loaded = cart.load();
    (await shop.takes('GET', '/api/products/mug')).flush({ ...MUG, price: { amount: 2000, currency: 'SGD' } });
    await loaded;
    expect(cart.ready()).toBe(true);
    expect(cart.total()).toEqual({ amount: 4000, currency: 'SGD' });
  });

  it('holds no more than there are', async () => {
    const cart = open();
    const added = cart.add(VIOLIN, 4);
    (await shop.takes('GET', '/api/products/violin')).flush(VIOLIN);
    await expect(added).rejects.toMatchObject({ type: 'insufficient-stock', extra: { available: 3 } });
    expect(cart.count()).toBe(0);
  });

  it('loses a product that is no longer sold', async () => {
    localStorage.setItem(
      KEY,
      '{"mergeId": "m", "items": [{"productId": "gone", "quantity": 1}, {"productId": "mug", "quantity": 1}]}',
    );
    const cart = open();
    const loaded = cart.load();
    refuse(await shop.takes('GET', '/api/products/gone'), 404, 'not-found');
    (await shop.takes('GET', '/api/products/mug')).flush(MUG);
    await loaded;
    expect(cart.lines().map(({ productId }) => productId)).toEqual(['mug']);
    expect(cart.problem()).toBeNull();
  });

  it('says why it cannot be shown, and tries again', async () => {
    localStorage.setItem(KEY, '{"mergeId": "m", "items": [{"productId": "mug", "quantity": 1}]}');
    const cart = open();
    const loaded = cart.load();
    fail(await shop.takes('GET', '/api/products/mug'), 0);
    await loaded;
    expect(cart.problem()).toMatchObject({ unreachable: true });
    const again = cart.load();
    (await shop.takes('GET', '/api/products/mug')).flush(MUG);
    await again;
    expect([cart.problem(), cart.ready()]).toEqual([null, true]);
  });

  it.each(['nonsense', '[]', '{"items": 3}', '{"mergeId": "m", "items": [{"productId": "../x", "quantity": 1}]}'])(
    'is empty where somebody has written %s',
    (text) => {
      localStorage.setItem(KEY, text);
      expect(open().count()).toBe(0);
    },
  );
});

describe('logging in', () => {
  it('takes the collected things over by one merge, and forgets them here', async () => {
    const cart = open();
    await collect(cart, MUG, 2);
    const { mergeId } = kept();
    await logIn();
    const merge = await shop.takes('POST', '/api/cart/merge');
    expect(merge.request.body).toEqual({ mergeId, items: [{ productId: 'mug', quantity: 2 }] });
    merge.flush({ ...cartOf(3, line('mug', 2, 2400)), skipped: [], capped: [] });
    await shop.isLeftAlone();
    expect(localStorage.getItem(KEY)).toBeNull();
    expect([cart.count(), cart.version()]).toEqual([2, 3]);
  });

  it('repeats a merge whose answer was lost with the same id, until it has succeeded', async () => {
    const cart = open();
    await collect(cart, MUG);
    const { mergeId } = kept();
    await logIn();
    fail(await shop.takes('POST', '/api/cart/merge'), 0);
    await quiet();
    expect(cart.problem()).not.toBeNull();
    expect(kept().mergeId).toBe(mergeId);
    const loaded = cart.load();
    const again = await shop.takes('POST', '/api/cart/merge');
    expect((again.request.body as { mergeId: string }).mergeId).toBe(mergeId);
    again.flush({ ...cartOf(1, line('mug', 1, 2400)), skipped: [], capped: [] });
    await loaded;
    expect([cart.problem(), localStorage.getItem(KEY)]).toEqual([null, null]);
    const later = cart.load();
    (await shop.takes('GET', '/api/cart')).flush(cartOf(1, line('mug', 1, 2400)));
    await later;
    await shop.isLeftAlone();
  });

  it('merges before any change, when the merge at first failed', async () => {
    const cart = open();
    await collect(cart, MUG);
    await logIn();
    fail(await shop.takes('POST', '/api/cart/merge'), 503);
    await quiet();
    const added = cart.add(VIOLIN);
    (await shop.takes('POST', '/api/cart/merge')).flush({
      ...cartOf(1, line('mug', 1, 2400)),
      skipped: [],
      capped: [],
    });
    (await shop.takes('PUT', '/api/cart/items/violin')).flush(cartOf(2, line('mug', 1, 2400), line('violin', 1, 1)));
    await added;
    expect(cart.count()).toBe(2);
  });

  it('gives every content an id of its own', async () => {
    const cart = open();
    await collect(cart, MUG);
    const first = kept().mergeId;
    await collect(cart, VIOLIN);
    expect(kept().mergeId).not.toBe(first);
  });

  it('drops what the API will never take', async () => {
    const cart = open();
    await collect(cart, MUG);
    await logIn();
    refuse(await shop.takes('POST', '/api/cart/merge'), 422, 'invalid-input');
    (await shop.takes('GET', '/api/cart')).flush(cartOf(0));
    await shop.isLeftAlone();
    expect([cart.count(), localStorage.getItem(KEY)]).toEqual([0, null]);
  });
});

describe("a shopper's cart", () => {
  async function shopping(): Promise<CartStore> {
    const cart = open();
    await logIn();
    (await shop.takes('GET', '/api/cart')).flush(cartOf(1, line('mug', 1, 2400)));
    (await shop.takes('GET', '/api/products/mug')).flush(MUG);
    await quiet();
    return cart;
  }

  it('is what the API says, with the images of its products', async () => {
    const cart = await shopping();
    expect(cart.lines()).toMatchObject([{ productId: 'mug', quantity: 1, imageUrl: MUG.imageUrl, category: 'Bags' }]);
    expect(cart.version()).toBe(1);
  });

  it('is changed one step after the other, each upon the answer to the one before', async () => {
    const cart = await shopping();
    const steps = [cart.add(MUG), cart.add(MUG)];
    const first = await shop.takes('PUT', '/api/cart/items/mug');
    expect(first.request.body).toEqual({ quantity: 2 });
    expect(await shop.waiting('PUT', '/api/cart/items/mug')).toHaveLength(0);
    first.flush(cartOf(2, line('mug', 2, 2400)));
    const second = await shop.takes('PUT', '/api/cart/items/mug');
    expect(second.request.body).toEqual({ quantity: 3 });
    second.flush(cartOf(3, line('mug', 3, 2400)));
    await Promise.all(steps);
    expect([cart.count(), cart.version(), cart.busy()]).toEqual([3, 3, false]);
  });

  it('stays as it was when a change is refused, and takes the next one', async () => {
    const cart = await shopping();
    const refused = cart.set('mug', 50);
    refuse(await shop.takes('PUT', '/api/cart/items/mug'), 409, 'insufficient-stock', { available: 4 });
    await expect(refused).rejects.toMatchObject({ type: 'insufficient-stock' });
    expect(cart.count()).toBe(1);
    const removed = cart.remove('mug');
    (await shop.takes('DELETE', '/api/cart/items/mug')).flush(cartOf(2));
    await removed;
    expect(cart.count()).toBe(0);
  });

  it('calls out a changed price, and takes it by putting the line again', async () => {
    const cart = await shopping();
    const changed = { ...line('mug', 1, 2400), currentPrice: { amount: 2600, currency: 'SGD' }, priceChanged: true };
    const loaded = cart.load();
    (await shop.takes('GET', '/api/cart')).flush(cartOf(1, changed));
    await loaded;
    expect(cart.priceChanges()).toHaveLength(1);
    const accepted = cart.accept(cart.priceChanges()[0]!);
    const put = await shop.takes('PUT', '/api/cart/items/mug');
    expect(put.request.body).toEqual({ quantity: 1 });
    put.flush(cartOf(2, line('mug', 1, 2600)));
    await accepted;
    expect(cart.priceChanges()).toHaveLength(0);
  });

  it('is gone after logging out, also from a late answer', async () => {
    const cart = await shopping();
    void cart.load();
    const late = await shop.takes('GET', '/api/cart');
    await logOut();
    late.flush(cartOf(9, line('mug', 9, 2400)));
    await quiet();
    expect([cart.count(), cart.lines(), cart.version(), cart.total()]).toEqual([0, [], null, null]);
    expect(localStorage).toHaveLength(0);
  });
});

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

/** A guest puts something into the cart. */
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

/** What a browser holds from before a reload, at the mug's price. */
function keep(quantities: Record<string, number>): void {
  const items = Object.entries(quantities).map(([productId, quantity]) => ({
    productId,
    quantity,
    unitPrice: MUG.price,
  }));
  localStorage.setItem(KEY, JSON.stringify({ mergeId: 'm', items }));
}

function kept(): { mergeId: string; items: unknown } {
  return JSON.parse(localStorage.getItem(KEY)!) as { mergeId: string; items: unknown };
}

describe("a guest's cart", () => {
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

  it('keeps product ids, quantities and the prices that were seen in the browser, and nothing else', async () => {
    const cart = open();
    await collect(cart, MUG, 2);
    const items = [{ productId: 'mug', quantity: 2, unitPrice: MUG.price }];
    expect(kept()).toEqual({ mergeId: expect.any(String) as string, items });
  });

  it('is there again after a reload, and calls out a price that has risen since', async () => {
    const risen = { ...MUG, price: { amount: 4900, currency: 'SGD' } };
    keep({ mug: 2 });
    const cart = open();
    expect([cart.count(), cart.ready()]).toEqual([2, false]);
    const loaded = cart.load();
    (await shop.takes('GET', '/api/products/mug')).flush(risen);
    await loaded;
    expect(cart.ready()).toBe(true);
    expect(cart.total()).toEqual({ amount: 4800, currency: 'SGD' });
    const [line] = cart.priceChanges();
    expect(line).toMatchObject({ unitPrice: MUG.price, currentPrice: risen.price });

    const fewer = cart.set(line!, 1);
    (await shop.takes('GET', '/api/products/mug')).flush(risen);
    await fewer;
    expect(cart.priceChanges()).toHaveLength(1);
    const accepted = cart.accept(cart.lines()[0]!);
    (await shop.takes('GET', '/api/products/mug')).flush(risen);
    await accepted;
    expect([cart.priceChanges(), cart.total()]).toEqual([[], risen.price]);
  });

  it('takes a step towards what there is, when the stock has fallen below it', async () => {
    keep({ violin: 5 });
    const cart = open();
    const loaded = cart.load();
    (await shop.takes('GET', '/api/products/violin')).flush(VIOLIN);
    await loaded;
    expect(cart.hindrance()).toContain('reduce its quantity');
    const fewer = cart.set(cart.lines()[0]!, 4);
    (await shop.takes('GET', '/api/products/violin')).flush(VIOLIN);
    await fewer;
    expect(cart.count()).toBe(4);
  });

  it('says that a line is full, and how many it took before', async () => {
    const cart = open();
    const plenty = { ...MUG, available: 500 };
    keep({ mug: 97 });
    dispatchEvent(new StorageEvent('storage', { key: KEY }));
    (await shop.takes('GET', '/api/products/mug')).flush(plenty);
    const added = cart.add(plenty, 5);
    (await shop.takes('GET', '/api/products/mug')).flush(plenty);
    expect(await added).toBe(2);
    await expect(cart.add(plenty)).rejects.toMatchObject({ type: 'line-full' });
    expect(cart.count()).toBe(99);
  });

  it('follows what another tab has put in', async () => {
    const cart = open();
    keep({ mug: 2 });
    dispatchEvent(new StorageEvent('storage', { key: KEY }));
    (await shop.takes('GET', '/api/products/mug')).flush(MUG);
    await quiet();
    expect([cart.ready(), cart.lines().length]).toEqual([true, 1]);
  });

  it('holds no more than there are', async () => {
    const cart = open();
    const added = cart.add(VIOLIN, 4);
    (await shop.takes('GET', '/api/products/violin')).flush(VIOLIN);
    await expect(added).rejects.toMatchObject({ type: 'insufficient-stock', extra: { available: 3 } });
    expect(cart.count()).toBe(0);
  });

  it('loses a product that is no longer sold', async () => {
    keep({ gone: 1, mug: 1 });
    const cart = open();
    const loaded = cart.load();
    refuse(await shop.takes('GET', '/api/products/gone'), 404, 'not-found');
    (await shop.takes('GET', '/api/products/mug')).flush(MUG);
    await loaded;
    expect(cart.lines().map(({ productId }) => productId)).toEqual(['mug']);
    expect(cart.problem()).toBeNull();
  });

  it('says why it cannot be shown, and tries again', async () => {
    keep({ mug: 1 });
    const cart = open();
    const loaded = cart.load();
    fail(await shop.takes('GET', '/api/products/mug'), 0);
    await loaded;
    expect(cart.problem()).toMatchObject({ unreachable: true });
    dispatchEvent(new Event('online'));
    (await shop.takes('GET', '/api/products/mug')).flush(MUG);
    await quiet();
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
    expect(merge.request.body).toEqual({ mergeId, items: [{ productId: 'mug', quantity: 2, unitPrice: MUG.price }] });
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
    expect(cart.lines()).toMatchObject([{ productId: 'mug', quantity: 1, picture: MUG.images[0], category: 'Bags' }]);
    expect(cart.version()).toBe(1);
  });

  it('is changed one step after the other, each upon the answer to the one before', async () => {
    const cart = await shopping();
    const steps = [cart.add(MUG), cart.add(MUG)];
    const first = await shop.takes('PUT', '/api/cart/items/mug');
    expect(first.request.body).toEqual({ quantity: 2, unitPrice: MUG.price });
    expect(await shop.waiting('PUT', '/api/cart/items/mug')).toHaveLength(0);
    first.flush(cartOf(2, line('mug', 2, 2400)));
    const second = await shop.takes('PUT', '/api/cart/items/mug');
    expect(second.request.body).toEqual({ quantity: 3, unitPrice: MUG.price });
    second.flush(cartOf(3, line('mug', 3, 2400)));
    await Promise.all(steps);
    expect([cart.count(), cart.version(), cart.busy()]).toEqual([3, 3, false]);
  });

  it('stays as it was when a change is refused, and takes the next one', async () => {
    const cart = await shopping();
    const refused = cart.set(cart.lines()[0]!, 50);
    refuse(await shop.takes('PUT', '/api/cart/items/mug'), 409, 'insufficient-stock', { available: 4 });
    await expect(refused).rejects.toMatchObject({ type: 'insufficient-stock' });
    expect(cart.count()).toBe(1);
    const removed = cart.remove(cart.lines()[0]!);
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
    expect(put.request.body).toEqual({ quantity: 1, unitPrice: changed.currentPrice });
    put.flush(cartOf(2, line('mug', 1, 2600)));
    await accepted;
    expect(cart.priceChanges()).toHaveLength(0);
  });

  it('takes back what was ordered, at the prices of then, and says what there is no more of', async () => {
    const cart = await shopping();
    const ordered = ['mug', 'lamp', 'violin'].map((productId) => ({
      productId,
      name: productId.toUpperCase(),
      quantity: 3,
      unitPrice: MUG.price,
    }));
    const back = cart.putBack(ordered);
    const merge = await shop.takes('POST', '/api/cart/merge');
    expect((merge.request.body as { items: unknown }).items).toEqual(
      ordered.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
    );
    merge.flush({
      ...cartOf(2, line('mug', 3, 2400), line('violin', 2, 2400)),
      skipped: [{ productId: 'lamp', reason: 'sold-out' }],
      capped: [{ productId: 'violin', requested: 3, quantity: 2 }],
    });
    for (const id of ['lamp', 'violin']) (await shop.takes('GET', `/api/products/${id}`)).flush(product(id, 2400));
    expect(await back).toBe('LAMP is sold out. Only 2 left of VIOLIN.');
    expect(cart.count()).toBe(5);
  });

  it('is loaded again when another tab has changed it, and only then', async () => {
    const cart = await shopping();
    const other = new BroadcastChannel(KEY);
    other.postMessage({ userId: 'ann', version: 1 });
    other.postMessage({ userId: 'somebody else', version: 2 });
    other.postMessage({ userId: 'ann', version: 2 });
    (await shop.takes('GET', '/api/cart')).flush(cartOf(2, line('mug', 5, 2400)));
    await quiet();
    expect(cart.count()).toBe(5);
    await shop.isLeftAlone();
    other.close();
  });

  it('tells other tabs that it has changed', async () => {
    const cart = await shopping();
    const other = new BroadcastChannel(KEY);
    const told = new Promise((resolve) => (other.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data)));
    const added = cart.add(MUG);
    (await shop.takes('PUT', '/api/cart/items/mug')).flush(cartOf(2, line('mug', 2, 2400)));
    await added;
    expect(await told).toEqual({ userId: 'ann', version: 2 });
    other.close();
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

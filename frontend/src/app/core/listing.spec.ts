import { TestBed } from '@angular/core/testing';
import { FakeShop, fail, product } from '../../testing/shop';
import { EVERYTHING } from './filters';
import { Listing } from './listing';

const ANY = { total: 2, exact: true, categories: [], prices: null };
const BAGS = { ...EVERYTHING, category: 'Bags' };

let shop: FakeShop;
let listing: Listing;

beforeEach(() => {
  shop = new FakeShop();
  listing = TestBed.inject(Listing);
});

function ids(): string[] | undefined {
  return listing.items()?.map(({ productId }) => productId);
}

describe('a list of products', () => {
  it('grows page by page, by the cursor of the page before', async () => {
    const opened = listing.open(EVERYTHING);
    (await shop.takes('GET', '/api/products')).flush({ ...ANY, items: [product('a', 1)], nextCursor: 'next' });
    await opened;
    expect(listing.hasMore()).toBe(true);
    const grown = listing.more(EVERYTHING);
    const request = await shop.takes('GET', '/api/products');
    expect(request.request.params.get('cursor')).toBe('next');
    request.flush({ ...ANY, items: [product('b', 1)], nextCursor: null });
    await grown;
    expect(ids()).toEqual(['a', 'b']);
    expect(listing.hasMore()).toBe(false);
  });

  it('opens as many pages as its address says, and no more than the API gives at once', async () => {
    const opened = listing.open(EVERYTHING, 5);
    const first = await shop.takes('GET', '/api/products');
    const items = Array.from({ length: 96 }, (_, n) => product(`p${n}`, 1));
    first.flush({ ...ANY, items, nextCursor: 'next' });
    const rest = await shop.takes('GET', '/api/products');
    rest.flush({ ...ANY, items: [product('last', 1)], nextCursor: 'another' });
    await opened;
    expect([first, rest].map(({ request }) => request.params.get('limit'))).toEqual(['96', '24']);
    expect([listing.items()?.length, listing.pages()]).toEqual([97, 5]);
  });

  it('shows a product once, as it is now, that was renamed between two pages', async () => {
    const opened = listing.open(EVERYTHING);
    (await shop.takes('GET', '/api/products')).flush({
      ...ANY,
      items: [product('a', 1), product('b', 1)],
      nextCursor: 'next',
    });
    await opened;
    const grown = listing.more(EVERYTHING);
    const renamed = { ...product('a', 1), name: 'Z' };
    (await shop.takes('GET', '/api/products')).flush({ ...ANY, items: [product('c', 1), renamed], nextCursor: null });
    await grown;
    expect(ids()).toEqual(['a', 'b', 'c']);
    expect(listing.items()?.[0]?.name).toBe('Z');
  });

  it('shows what was chosen last, though its answer comes first', async () => {
    void listing.open(EVERYTHING);
    const slow = await shop.takes('GET', '/api/products');
    void listing.open(BAGS);
    const quick = await shop.takes('GET', '/api/products');
    quick.flush({ ...ANY, items: [product('bag', 1)], nextCursor: null });
    slow.flush({ ...ANY, items: [product('anything', 1)], nextCursor: 'more' });
    await shop.isLeftAlone();
    expect(ids()).toEqual(['bag']);
    expect([listing.hasMore(), listing.loading()]).toEqual([false, false]);
  });

  it('is there again on the way back, without asking', async () => {
    const opened = listing.open(BAGS);
    (await shop.takes('GET', '/api/products')).flush({ ...ANY, items: [product('bag', 1)], nextCursor: null });
    await opened;
    await listing.open(BAGS);
    await shop.isLeftAlone();
    expect(ids()).toEqual(['bag']);
  });

  it('shows nothing of other filters when an answer does not come', async () => {
    const opened = listing.open(BAGS);
    (await shop.takes('GET', '/api/products')).flush({ ...ANY, items: [product('bag', 1)], nextCursor: null });
    await opened;
    const failed = listing.open(EVERYTHING);
    fail(await shop.takes('GET', '/api/products'), 0);
    await failed;
    expect([ids(), listing.problem()?.status]).toEqual([undefined, 0]);
  });

  it('keeps what it has when the next page does not come, and tries that again', async () => {
    const opened = listing.open(EVERYTHING);
    (await shop.takes('GET', '/api/products')).flush({ ...ANY, items: [product('a', 1)], nextCursor: 'next' });
    await opened;
    const grown = listing.more(EVERYTHING);
    fail(await shop.takes('GET', '/api/products'), 503);
    await grown;
    expect([ids(), listing.problem()?.status]).toEqual([['a'], 503]);
    void listing.retry(EVERYTHING);
    expect((await shop.takes('GET', '/api/products')).request.params.get('cursor')).toBe('next');
    expect(listing.problem()).toBeNull();
  });
});

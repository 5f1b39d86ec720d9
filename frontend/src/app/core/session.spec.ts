import { TestBed } from '@angular/core/testing';
import { FakeShop, fail, quiet, refuse, tokensOf } from '../../testing/shop';
import { Api } from '../api/api';
import { getCart } from '../api/fn/cart/get-cart';
import { listProducts } from '../api/fn/catalog/list-products';
import { ApiError } from './problem';
import { Session } from './session';

const CREDENTIALS = { email: 'ann@example.com', password: 'Secret-2026' };

let shop: FakeShop;
let session: Session;
let api: Api;

beforeEach(() => {
  shop = new FakeShop();
  session = TestBed.inject(Session);
  api = TestBed.inject(Api);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function logIn(userId = 'ann', idToken?: string): Promise<void> {
  const done = session.login(CREDENTIALS);
  (await shop.takes('POST', '/api/auth/login')).flush(tokensOf(userId, idToken));
  await done;
}

describe('a session', () => {
  it('sends its token along once somebody is logged in, and none before', async () => {
    void api.invoke(listProducts);
    const before = await shop.takes('GET', '/api/products');
    expect(before.request.headers.has('Authorization')).toBe(false);
    await logIn('ann', 'first');
    void api.invoke(getCart);
    expect((await shop.takes('GET', '/api/cart')).request.headers.get('Authorization')).toBe('Bearer first');
  });

  it('keeps neither the token nor anything of the user in the browser', async () => {
    await logIn();
    expect(Object.fromEntries(Object.entries(localStorage))).toEqual({ 'cloudretail.session': 'yes' });
    expect(sessionStorage).toHaveLength(0);
  });

  it('repeats a request whose token has run out, once, with another one', async () => {
    await logIn('ann', 'old');
    const cart = api.invoke(getCart);
    fail(await shop.takes('GET', '/api/cart'), 401);
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann', 'new'));
    const again = await shop.takes('GET', '/api/cart');
    expect(again.request.headers.get('Authorization')).toBe('Bearer new');
    fail(again, 401);
    await expect(cart).rejects.toMatchObject({ status: 401 });
    await shop.isLeftAlone();
  });

  it('refreshes once for several requests that are refused at once', async () => {
    await logIn('ann', 'old');
    const answers = [api.invoke(getCart), api.invoke(getCart), api.invoke(getCart)];
    const refused = await shop.waiting('GET', '/api/cart');
    expect(refused).toHaveLength(3);
    refused.forEach((request) => fail(request, 401));
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann', 'new'));
    const repeated = await shop.waiting('GET', '/api/cart');
    expect(repeated).toHaveLength(3);
    repeated.forEach((request) => request.flush({ items: [], version: 1 }));
    await Promise.all(answers);
    await shop.isLeftAlone();
  });

  it('does not refresh again for a request that is refused after the others have another token', async () => {
    await logIn('ann', 'old');
    const answers = [api.invoke(getCart), api.invoke(getCart)];
    const [early, late] = await shop.waiting('GET', '/api/cart');
    fail(early!, 401);
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann', 'new'));
    (await shop.takes('GET', '/api/cart')).flush({});
    fail(late!, 401);
    const again = await shop.takes('GET', '/api/cart');
    expect(again.request.headers.get('Authorization')).toBe('Bearer new');
    again.flush({});
    await Promise.all(answers);
    await shop.isLeftAlone();
  });

  it('is over when the refresh is refused, and says that it ended by itself', async () => {
    await logIn();
    const cart = api.invoke(getCart);
    fail(await shop.takes('GET', '/api/cart'), 401);
    refuse(await shop.takes('POST', '/api/auth/refresh'), 401, 'session-over');
    refuse(await shop.takes('POST', '/api/auth/refresh'), 401, 'session-over');
    await expect(cart).rejects.toMatchObject({ status: 401 });
    expect(session.signedIn()).toBe(false);
    expect(session.expired()).toBe(true);
    expect(localStorage).toHaveLength(0);
  });

  it('is not over when the cookie was replaced while the refresh was on its way', async () => {
    await logIn('ann', 'old');
    const refreshed = session.refresh();
    refuse(await shop.takes('POST', '/api/auth/refresh'), 401, 'session-over');
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann', 'new'));
    expect(await refreshed).toBe(true);
    expect(session.idToken).toBe('new');
    expect(session.expired()).toBe(false);
  });

  it('gets another token before the one that it has runs out', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    await logIn('ann', 'old');
    now.mockReturnValue((3600 - 14) * 1_000);
    const cart = api.invoke(getCart);
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann', 'new'));
    const request = await shop.takes('GET', '/api/cart');
    expect(request.request.headers.get('Authorization')).toBe('Bearer new');
    request.flush({});
    await cart;
    await shop.isLeftAlone();
  });

  it('asks with the token that it has when the shop cannot answer the refresh', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(0);
    await logIn('ann', 'old');
    now.mockReturnValue((3600 - 14) * 1_000);
    const cart = api.invoke(getCart);
    fail(await shop.takes('POST', '/api/auth/refresh'), 503);
    const request = await shop.takes('GET', '/api/cart');
    expect(request.request.headers.get('Authorization')).toBe('Bearer old');
    request.flush({});
    await cart;
  });

  it('is not over when the shop does not answer the refresh', async () => {
    await logIn();
    const cart = api.invoke(getCart);
    fail(await shop.takes('GET', '/api/cart'), 401);
    fail(await shop.takes('POST', '/api/auth/refresh'), 503);
    await expect(cart).rejects.toMatchObject({ status: 503 });
    expect(session.signedIn()).toBe(true);
  });

  it('does not repeat a request in the name of somebody else', async () => {
    await logIn('ann', 'old');
    const cart = api.invoke(getCart);
    fail(await shop.takes('GET', '/api/cart'), 401);
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('bob'));
    await expect(cart).rejects.toMatchObject({ status: 401 });
    await shop.isLeftAlone();
  });

  it('takes a refused log-in for what it is, and asks for no refresh', async () => {
    const done = session.login(CREDENTIALS);
    refuse(await shop.takes('POST', '/api/auth/login'), 401, 'wrong-credentials');
    await expect(done).rejects.toMatchObject({ type: 'wrong-credentials' });
    await shop.isLeftAlone();
  });

  it('forgets everything at once when logging out, even if the shop cannot be told', async () => {
    await logIn();
    const done = session.logout();
    expect(session.user()).toBeNull();
    expect(session.idToken).toBeNull();
    expect(localStorage).toHaveLength(0);
    expect(session.expired()).toBe(false);
    fail(await shop.takes('POST', '/api/auth/logout'), 0);
    await expect(done).rejects.toBeInstanceOf(ApiError);
    expect(session.user()).toBeNull();
  });

  it('stays logged out when a refresh that began before answers after', async () => {
    await logIn();
    const refreshed = session.refresh();
    const late = await shop.takes('POST', '/api/auth/refresh');
    void session.logout();
    (await shop.takes('POST', '/api/auth/logout')).flush('');
    late.flush(tokensOf('ann'));
    expect(await refreshed).toBe(false);
    expect(session.signedIn()).toBe(false);
  });
});

describe('after a reload', () => {
  it('nobody is asked for a session that there never was', async () => {
    expect(await session.restore()).toBe(false);
    await shop.isLeftAlone();
  });

  it('the session comes back by the cookie, asked for once however many want to know', async () => {
    localStorage.setItem('cloudretail.session', 'yes');
    const [page, guard] = [session.restore(), session.restore()];
    expect(session.restoring()).toBe(true);
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann'));
    expect(await Promise.all([page, guard])).toEqual([true, true]);
    expect(session.restoring()).toBe(false);
    await shop.isLeftAlone();
  });

  it('a session that has run out is forgotten without a word', async () => {
    localStorage.setItem('cloudretail.session', 'yes');
    const restored = session.restore();
    refuse(await shop.takes('POST', '/api/auth/refresh'), 401, 'session-over');
    refuse(await shop.takes('POST', '/api/auth/refresh'), 401, 'session-over');
    expect(await restored).toBe(false);
    expect(session.expired()).toBe(false);
    expect(localStorage).toHaveLength(0);
  });

  it('it is asked again later when the shop did not answer', async () => {
    localStorage.setItem('cloudretail.session', 'yes');
    const first = session.restore();
    fail(await shop.takes('POST', '/api/auth/refresh'), 503);
    await expect(first).rejects.toMatchObject({ mayPass: true });
    const second = session.restore();
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann'));
    expect(await second).toBe(true);
  });
});

describe('another tab', () => {
  it('that refreshes is waited for', async () => {
    await logIn('ann', 'old');
    const { promise: theirs, resolve: done } = Promise.withResolvers<null>();
    const request = vi.fn(async (_name: string, work: () => Promise<unknown>) => {
      await theirs;
      return work();
    });
    vi.stubGlobal('navigator', { onLine: true, locks: { request } });
    const refreshed = session.refresh();
    await quiet();
    expect(request.mock.calls[0]![0]).toBe('cloudretail.refresh');
    await shop.isLeftAlone();
    done(null);
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann', 'new'));
    expect(await refreshed).toBe(true);
  });

  it('that logs out ends the session here too', async () => {
    await logIn();
    localStorage.removeItem('cloudretail.session');
    dispatchEvent(new StorageEvent('storage', { key: 'cloudretail.session' }));
    expect(session.signedIn()).toBe(false);
    expect(session.expired()).toBe(true);
  });

  it('that logs in brings the session here too', async () => {
    localStorage.setItem('cloudretail.session', 'yes');
    dispatchEvent(new StorageEvent('storage', { key: 'cloudretail.session' }));
    (await shop.takes('POST', '/api/auth/refresh')).flush(tokensOf('ann'));
    await quiet();
    expect(session.userId()).toBe('ann');
  });
});

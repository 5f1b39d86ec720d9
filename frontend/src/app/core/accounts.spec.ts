import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { FakeShop, fail, refuse, tokensOf } from '../../testing/shop';
import { Accounts, isRefusedCode } from './accounts';
import { Session } from './session';

const ENTRY = { email: 'ann@example.com', code: ' 123 456 ', name: 'Ann', password: 'Secret-2026' };
const REFUSED = { errors: [{ field: 'code', message: 'This code is wrong.' }] };

let shop: FakeShop;
let accounts: Accounts;
let navigate: ReturnType<typeof vi.spyOn>;
let arrive: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  shop = new FakeShop();
  accounts = TestBed.inject(Accounts);
  navigate = vi.spyOn(TestBed.inject(Router), 'navigate').mockResolvedValue(true);
  arrive = vi.spyOn(TestBed.inject(Router), 'navigateByUrl').mockResolvedValue(true);
});

afterEach(() => vi.restoreAllMocks());

describe('Registering', () => {
  it('sends the address alone, and asks for the code', async () => {
    const done = accounts.register('ann@example.com', '/cart');
    const request = await shop.takes('POST', '/api/auth/register');
    expect(request.request.body).toEqual({ email: 'ann@example.com' });
    request.flush({ email: 'ann@example.com' });
    await done;
    expect(navigate).toHaveBeenCalledWith(['/confirm-email'], {
      queryParams: { next: '/cart' },
      state: { email: 'ann@example.com' },
    });
  });
});

describe('A code', () => {
  it('is sent as it was meant, with name and password, and leads into the account', async () => {
    const done = accounts.confirm(ENTRY, '/cart');
    const request = await shop.takes('POST', '/api/auth/confirm');
    expect(request.request.body).toEqual({ ...ENTRY, code: '123456' });
    request.flush('');
    (await shop.takes('POST', '/api/auth/login')).flush(tokensOf('ann'));
    await done;
    expect(TestBed.inject(Session).userId()).toBe('ann');
    expect(arrive).toHaveBeenCalledWith('/cart', { replaceUrl: true });
  });

  it.each(['confirm', 'resetPassword'] as const)(
    'that worked before, its answer lost, leads into the account too (%s)',
    async (step) => {
      const url = step === 'confirm' ? '/api/auth/confirm' : '/api/auth/reset-password';
      const first = accounts[step](ENTRY, undefined);
      fail(await shop.takes('POST', url), 0);
      await expect(first).rejects.toMatchObject({ unreachable: true });
      const again = accounts[step](ENTRY, undefined);
      refuse(await shop.takes('POST', url), 422, 'invalid-input', REFUSED);
      (await shop.takes('POST', '/api/auth/login')).flush(tokensOf('ann'));
      await again;
      expect(arrive).toHaveBeenCalled();
    },
  );

  it('that is wrong is told so, whatever the log-in says', async () => {
    for (const [status, type] of [
      [401, 'wrong-credentials'],
      [403, 'email-not-confirmed'],
      [503, 'try-again'],
    ] as const) {
      const done = accounts.confirm(ENTRY, undefined);
      refuse(await shop.takes('POST', '/api/auth/confirm'), 422, 'invalid-input', REFUSED);
      refuse(await shop.takes('POST', '/api/auth/login'), status, type);
      await expect(done).rejects.toSatisfy(isRefusedCode);
    }
    expect(arrive).not.toHaveBeenCalled();
  });

  it('of an account that is asked for a second factor leads to the log-in page', async () => {
    const done = accounts.resetPassword({ ...ENTRY, name: '' }, '/ops');
    const request = await shop.takes('POST', '/api/auth/reset-password');
    expect(request.request.body).toEqual({ email: ENTRY.email, code: '123456', password: ENTRY.password });
    request.flush('');
    refuse(await shop.takes('POST', '/api/auth/login'), 403, 'second-factor-needed');
    await done;
    expect(navigate).toHaveBeenCalledWith(['/login'], {
      queryParams: { next: '/ops' },
      state: { email: ENTRY.email, done: 'reset' },
    });
  });

  it('is not tried as a log-in where something else is wrong', async () => {
    const done = accounts.confirm(ENTRY, undefined);
    refuse(await shop.takes('POST', '/api/auth/confirm'), 422, 'invalid-input', {
      errors: [{ field: 'password', message: 'Use a number.' }],
    });
    await expect(done).rejects.toMatchObject({ status: 422 });
    await shop.isLeftAlone();
  });
});

import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { FakeShop, quiet, refuse } from '../../../testing/shop';
import { Act } from './act';

let shop: FakeShop;
let went: unknown[];

beforeEach(() => {
  shop = new FakeShop();
  went = [];
  vi.spyOn(TestBed.inject(Router), 'navigate').mockImplementation((commands) => {
    went.push(commands);
    return Promise.resolve(true);
  });
});

function open(inputs: Record<string, unknown>): HTMLElement {
  const fixture = TestBed.createComponent(Act);
  const selection = { queue: 'OrdersDlq', cause: 'ValueError' };
  for (const [name, value] of Object.entries({ selection, count: 2, ...inputs })) {
    fixture.componentRef.setInput(name, value);
  }
  fixture.detectChanges();
  return fixture.nativeElement as HTMLElement;
}

function enter(page: HTMLElement, name: string, text: string): void {
  const field = page.querySelector<HTMLInputElement>(`input[name=${name}]`)!;
  field.value = text;
  field.dispatchEvent(new Event('input'));
}

describe('doing something about dead letters', () => {
  it('begins with a dry run of just the selection', async () => {
    const page = open({});
    enter(page, 'reason', 'to see');
    page.querySelector('form')!.requestSubmit();
    const request = await shop.takes('POST', '/api/ops/replays');
    expect(request.request.body).toEqual({ queue: 'OrdersDlq', cause: 'ValueError', reason: 'to see', dryRun: true });
    request.flush({ replayId: 'rpl_1' });
    await vi.waitFor(() => expect(went).toEqual([['/ops/replays', 'rpl_1']]));
  });

  it('replays what was tried, for the same reason and at the rate that is asked for', async () => {
    const page = open({ tried: true, because: 'fixed' });
    enter(page, 'rate', '5');
    page.querySelector('form')!.requestSubmit();
    const request = await shop.takes('POST', '/api/ops/replays');
    expect(request.request.body).toEqual({ queue: 'OrdersDlq', cause: 'ValueError', reason: 'fixed', rate: 5 });
  });

  it('offers no replay of what would fail again, but another dry run', async () => {
    const page = open({ tried: true, would: 0, because: 'fixed' });
    expect(page.querySelector('button[type=submit]')?.textContent.trim()).toBe('Dry run again');
    page.querySelector('form')!.requestSubmit();
    const request = await shop.takes('POST', '/api/ops/replays');
    expect(request.request.body).toEqual({ queue: 'OrdersDlq', cause: 'ValueError', reason: 'fixed', dryRun: true });
  });

  it('says beside the field that a reason is missing, and goes nowhere', async () => {
    const page = open({});
    page.querySelector('form')!.requestSubmit();
    const errors = [{ field: 'reason', message: 'must have at least 3 characters' }];
    refuse(await shop.takes('POST', '/api/ops/replays'), 400, 'invalid-request', { errors });
    await quiet();
    expect(page.querySelector('.field-error')?.textContent).toBe('Must have at least 3 characters.');
    expect(went).toEqual([]);
  });
});

import { ComponentFixture, TestBed } from '@angular/core/testing';
import { TestRequest } from '@angular/common/http/testing';
import { OrderView } from '../api/models';
import { order, sentBack } from '../../testing/orders';
import { FakeShop, fail, quiet, refuse } from '../../testing/shop';
import { Returns } from './returns';

const DELIVERED = order('DELIVERED', [], {
  returnable: [{ productId: 'mug', quantity: 2 }],
  returnableUntil: '2026-12-22T10:00:00Z',
});

describe('Returns', () => {
  let shop: FakeShop;
  let fixture: ComponentFixture<Returns>;
  let element: HTMLElement;
  let changed: OrderView[];
  let refreshed: number;

  async function show(shown: OrderView): Promise<void> {
    fixture.componentRef.setInput('order', shown);
    await quiet();
    await shop.waiting('GET', '/api/products/mug');
  }

  function button(name: string): HTMLButtonElement {
    return [...element.querySelectorAll('button')].find((each) => each.textContent.includes(name))!;
  }

  function choose(select: string, value: string): void {
    const control = element.querySelector<HTMLSelectElement>(select)!;
    control.value = value;
    control.dispatchEvent(new Event('change'));
  }

  async function ask(quantity = '1', reason = 'DAMAGED'): Promise<TestRequest> {
    if (!element.querySelector('form')) button('Send items back').click();
    await quiet();
    choose('#return-mug', quantity);
    choose('#return-reason', reason);
    await quiet();
    element.querySelector('form')!.dispatchEvent(new Event('submit'));
    return shop.takes('POST', '/api/orders/ord_1/returns');
  }

  const key = (request: TestRequest) => request.request.headers.get('Idempotency-Key');

  beforeEach(async () => {
    shop = new FakeShop();
    fixture = TestBed.createComponent(Returns);
    element = fixture.nativeElement as HTMLElement;
    document.body.append(element);
    changed = [];
    refreshed = 0;
    fixture.componentInstance.changed.subscribe((each) => changed.push(each));
    fixture.componentInstance.refresh.subscribe(() => refreshed++);
    await show(DELIVERED);
  });

  afterEach(() => element.remove());

  it('offers no more than is left, and tells what is chosen', async () => {
    button('Send items back').click();
    await quiet();
    const options = [...element.querySelectorAll<HTMLOptionElement>('#return-mug option')];
    expect(options.map(({ value }) => value)).toEqual(['0', '1', '2']);
    expect(document.activeElement?.textContent).toBe('What do you want to send back?');
    expect((await ask('2')).request.body).toEqual({
      lines: [{ productId: 'mug', quantity: 2 }],
      reason: 'DAMAGED',
    });
  });

  it('closes the form with the answer, and hands that over', async () => {
    const after = order('DELIVERED', [], { returns: [sentBack('REQUESTED')] });
    (await ask()).flush(after);
    await quiet();
    expect(changed).toEqual([after]);
    expect(element.querySelector('form')).toBeNull();
    expect(document.activeElement?.id).toBe('returns');
  });

  it('is the same return for as long as nobody knows what came of it', async () => {
    const first = await ask();
    fail(first, 0);
    await quiet();
    const again = await ask();
    expect(key(again)).toBe(key(first));
    expect(key(again)).toBeTruthy();
  });

  it('is another return after a definite answer', async () => {
    const first = await ask();
    refuse(first, 409, 'more-than-bought');
    await quiet();
    expect(element.textContent).toContain('About more-than-bought');
    expect(refreshed).toBe(1);
    expect(key(await ask())).not.toBe(key(first));
  });

  it('shows at its field what is wrong', async () => {
    const errors = [
      { field: 'lines', message: 'Choose at least one item.' },
      { field: 'reason', message: 'Choose a reason.' },
    ];
    refuse(await ask('0', ''), 400, 'invalid-input', { errors });
    await quiet();
    expect(element.querySelector('#return-lines-error')?.textContent).toBe('Choose at least one item.');
    expect(element.querySelector('#return-reason')?.getAttribute('aria-describedby')).toBe('return-reason-error');
    expect(element.querySelector('#return-mug')?.getAttribute('aria-invalid')).toBe('true');
  });

  it('can be withdrawn until it has arrived', async () => {
    await show(
      order('DELIVERED', [], { returns: [sentBack('REQUESTED'), sentBack('ACCEPTED', { returnId: 'ret_2' })] }),
    );
    button('Keep the items').click();
    const after = order('DELIVERED', [], { returns: [sentBack('WITHDRAWN')] });
    (await shop.takes('POST', '/api/orders/ord_1/returns/ret_1/withdraw')).flush(after);
    await quiet();
    expect(changed).toEqual([after]);
    await show(after);
    expect(element.textContent).toContain('Withdrawn');
    expect(button('Keep the items')).toBeUndefined();
  });

  it('that arrived meanwhile cannot be withdrawn, and is looked at again', async () => {
    await show(order('DELIVERED', [], { returns: [sentBack('REQUESTED')] }));
    button('Keep the items').click();
    refuse(await shop.takes('POST', '/api/orders/ord_1/returns/ret_1/withdraw'), 409, 'return-settled');
    await quiet();
    expect(element.querySelector('[role=alert]')?.textContent).toContain('About return-settled');
    expect(refreshed).toBe(1);
  });

  it('tell until when they were possible', async () => {
    await show(order('DELIVERED', [], { returnableUntil: '2026-12-22T10:00:00Z' }));
    expect(element.textContent).toContain('Items could be sent back until 22 December 2026');
    expect(button('Send items back')).toBeUndefined();
  });
});

import { TestBed } from '@angular/core/testing';
import { signal } from '@angular/core';
import { Destination, Money, PostalCodeForm, Shipping, ShippingOption } from '../api/models';
import { FakeShop, fail, quiet } from '../../testing/shop';
import { OrderItems } from '../ui/order-items';
import { PaymentMethod } from '../ui/payment-method';
import { ShippingQuotes, arrivalOf, postalCodeProblem } from './shipping';

const sgd = (amount: number): Money => ({ amount, currency: 'SGD' });

function way(methodId: string, price: number, more: Partial<ShippingOption> = {}): ShippingOption {
  const none = { freeFrom: null, earliestDays: 1, latestDays: 3, tax: null };
  return { methodId, name: methodId, price: sgd(price), total: sgd(4500 + price), ...none, ...more };
}

function to(country: string, ...options: ShippingOption[]): Destination {
  return { country, postalCode: null, state: null, options, cashUpTo: null };
}

describe('What shipping costs', () => {
  let shop: FakeShop;
  const subtotal = signal<Money | null>(null);

  beforeEach(() => {
    shop = new FakeShop();
    subtotal.set(sgd(4500));
  });

  const quotes = (chosen: string | null, guess = 'SG') =>
    TestBed.runInInjectionContext(() => new ShippingQuotes(chosen, () => guess, subtotal));

  async function answers(country: string, said: Shipping): Promise<void> {
    const request = await shop.takes('GET', '/api/shipping');
    expect(request.request.params.get('country')).toBe(country);
    request.flush(said);
    await quiet();
  }

  it('is asked for the items and the country, and the cheapest way is known', async () => {
    const shipping = quotes(null);
    const request = await shop.takes('GET', '/api/shipping');
    expect(request.request.params.get('subtotal')).toBe('4500');
    expect(shipping.options()).toBeNull();
    request.flush({ countries: ['SG'], destination: to('SG', way('express', 900), way('standard', 400)) });
    await quiet();
    expect(shipping.options()?.map(({ methodId }) => methodId)).toEqual(['express', 'standard']);
    expect(shipping.cheapest()?.methodId).toBe('standard');
  });

  it('is not asked before the items are known', async () => {
    subtotal.set(null);
    quotes(null);
    await quiet();
    await shop.isLeftAlone();
  });

  it.each([
    [['AU', 'SG'], 'SG'],
    [['AU', 'NZ'], 'AU'],
  ])('is that to another country where nobody ships to the shopper: of %j, %s', async (countries, instead) => {
    const shipping = quotes(null, 'BR');
    await answers('BR', { countries, destination: null });
    await answers(instead, { countries, destination: to(instead, way('standard', 400)) });
    expect(shipping.country()).toBe(instead);
    expect(shipping.cheapest()).not.toBeNull();
  });

  it('is none where the shop does not ship to what was chosen, which stays chosen', async () => {
    const shipping = quotes('BR');
    await answers('BR', { countries: ['SG'], destination: null });
    expect([shipping.country(), shipping.options()]).toEqual(['BR', []]);
    await shop.isLeftAlone();
  });

  it('is not known while it is asked for other items, and the form of the address stays', async () => {
    const shipping = quotes('SG');
    await answers('SG', { countries: ['SG'], destination: to('SG', way('standard', 400)) });
    subtotal.set(sgd(9000));
    await quiet();
    expect(shipping.options()).toBeNull();
    expect(shipping.destination()?.country).toBe('SG');
    await answers('SG', { countries: ['SG'], destination: to('SG', way('standard', 0)) });
    expect(shipping.cheapest()?.price.amount).toBe(0);
  });

  it('is not asked again where a cart that was read again costs the same', async () => {
    const shipping = quotes('SG');
    await answers('SG', { countries: ['SG'], destination: to('SG', way('standard', 400)) });
    subtotal.set(sgd(4500));
    await quiet();
    expect(shipping.options()).toHaveLength(1);
    await shop.isLeftAlone();
  });

  it('is asked once for choices that follow each other quickly', async () => {
    const shipping = quotes('SG');
    await answers('SG', { countries: ['SG', 'HK', 'US'], destination: to('SG', way('standard', 400)) });
    shipping.choose('HK');
    await quiet();
    shipping.choose('US');
    await answers('US', { countries: ['SG', 'HK', 'US'], destination: to('US', way('standard', 2800)) });
    expect(shipping.cheapest()?.price.amount).toBe(2800);
    await shop.isLeftAlone();
  });

  it('is asked again where the shop could not be reached', async () => {
    const shipping = quotes('SG');
    fail(await shop.takes('GET', '/api/shipping'), 0);
    await quiet();
    expect(shipping.problem()).toMatchObject({ type: 'unreachable' });
    expect(shipping.options()).toBeNull();
    shipping.reload();
    await answers('SG', { countries: ['SG'], destination: to('SG', way('standard', 400)) });
    expect(shipping.problem()).toBeUndefined();
    expect(shipping.options()).toHaveLength(1);
  });
});

describe('A way to send a parcel', () => {
  it.each([
    [0, 0, 'Arrives the same day'],
    [1, 1, 'Arrives in 1 working day'],
    [2, 2, 'Arrives in 2 working days'],
    [3, 7, 'Arrives in 3 to 7 working days'],
  ])('that takes %i to %i days says so', (earliestDays, latestDays, words) => {
    expect(arrivalOf(way('any', 0, { earliestDays, latestDays }))).toBe(words);
  });
});

describe('A postal code', () => {
  const singapore: PostalCodeForm = { required: true, label: 'Postal code', patterns: ['\\d{6}'], example: '546080' };
  const american: PostalCodeForm = { ...singapore, label: 'ZIP code', patterns: ['(\\d{5})(?:[ \\-](\\d{4}))?'] };
  const free: PostalCodeForm = { required: false, label: 'Postal code', patterns: ['[A-Z]\\d|X'], example: null };

  it.each<[PostalCodeForm | null, string, string | null]>([
    [singapore, ' 048941 ', null],
    [singapore, '', 'Enter your postal code.'],
    [singapore, 'hello', 'This is not a postal code of this country. It looks like 546080.'],
    [singapore, '0489411', 'This is not a postal code of this country. It looks like 546080.'],
    [american, '95014-1234', null],
    [american, '', 'Enter your ZIP code.'],
    [free, '', null],
    [free, 'b1', null],
    [free, 'XX', 'This is not a postal code of this country.'],
    [null, 'anything', null],
  ])('of the form %j, "%s": %s', (form, text, words) => {
    expect(postalCodeProblem(form, text)).toBe(words);
  });
});

describe('What an order costs', () => {
  /** What is read there, element by element. */
  function text(element: Node): string {
    if (element.nodeType === Node.TEXT_NODE) return element.textContent?.replaceAll('\u00a0', ' ').trim() ?? '';
    return [...element.childNodes].map(text).filter(Boolean).join(' ');
  }

  async function shown(shipping: object | null, tax: object | null = null): Promise<string> {
    new FakeShop();
    const fixture = TestBed.createComponent(OrderItems);
    fixture.componentRef.setInput('items', [{ productId: 'mug', name: 'Mug', quantity: 3, unitPrice: sgd(1500) }]);
    fixture.componentRef.setInput('shipping', shipping);
    fixture.componentRef.setInput('total', shipping ? sgd(4900) : null);
    fixture.componentRef.setInput('tax', tax);
    fixture.detectChanges();
    await quiet();
    return text(fixture.nativeElement as HTMLElement);
  }

  it('is that of its items, its delivery and the tax in both', async () => {
    const tax = { name: 'GST', basisPoints: 900, amount: sgd(405) };
    const words = await shown({ name: 'Standard delivery', price: sgd(400), freeFrom: sgd(6000) }, tax);
    expect(words).toMatch(/Items SGD 45\.00 Delivery Standard delivery SGD 4\.00 Free from SGD 60\.00/);
    expect(words).toMatch(/Total SGD 49\.00 Includes 9% GST of SGD 4\.05/);
  });

  it('says that delivery is free where it is, and nothing of a tax where there is none', async () => {
    const words = await shown({ name: 'Standard delivery', price: sgd(0), freeFrom: sgd(6000) });
    expect(words).toMatch(/Delivery Standard delivery Free Total/);
    expect(words).not.toContain('Includes');
  });

  it('is no total while nobody knows what delivery costs', async () => {
    expect(await shown(null)).toMatch(/Delivery Calculating … Total$/);
  });
});

describe('Cash on delivery', () => {
  it.each([
    ['NOT_OFFERED_HERE', 'Cash on delivery is not available where this order goes to.'],
    ['TOO_EXPENSIVE', 'Cash on delivery is available up to SGD 500.00.'],
    ['SOMETHING_NEW', "This order can't be paid in cash."],
  ])('that is refused as %s is no choice, and the page says why', async (refusal, words) => {
    const shop = new FakeShop();
    const fixture = TestBed.createComponent(PaymentMethod);
    fixture.componentRef.setInput('method', 'COD');
    fixture.componentRef.setInput('cashRefusal', refusal);
    fixture.componentRef.setInput('cashUpTo', sgd(50_000));
    fixture.detectChanges();
    (await shop.takes('GET', '/api/payment-methods')).flush({ methods: ['CARD', 'COD'], cardGateway: 'sandbox' });
    await quiet();
    const page = fixture.nativeElement as HTMLElement;
    expect([...page.querySelectorAll('strong')].map((each) => each.textContent)).toEqual(['Card']);
    expect(page.querySelector('p.hint')?.textContent.replaceAll('\u00a0', ' ')).toBe(words);
    expect(fixture.componentInstance.method()).toBe('CARD');
  });
});

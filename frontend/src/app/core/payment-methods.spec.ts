import { ComponentFixture, TestBed } from '@angular/core/testing';
import { FakeShop, fail } from '../../testing/shop';
import { PaymentMethod } from '../ui/payment-method';

describe('How somebody can pay', () => {
  let shop: FakeShop;
  let choice: ComponentFixture<PaymentMethod>;

  beforeEach(() => {
    TestBed.configureTestingModule({});
    shop = new FakeShop();
    choice = TestBed.createComponent(PaymentMethod);
    choice.componentRef.setInput('method', 'CARD');
    choice.detectChanges();
  });

  const page = () => choice.nativeElement as HTMLElement;
  const asked = () => shop.takes('GET', '/api/payment-methods');
  const shown = () => [...page().querySelectorAll('strong')].map((each) => each.textContent);

  it('is what the shop says', async () => {
    (await asked()).flush({ methods: ['CARD', 'COD'], cardGateway: 'sandbox', publishableKey: null });
    await vi.waitFor(() => expect(shown()).toEqual(['Card', 'Cash on delivery']));
    expect(choice.componentInstance.method()).toBe('CARD');
  });

  it('is in cash only where the shop takes no cards, whatever was chosen', async () => {
    (await asked()).flush({ methods: ['COD'], cardGateway: null, publishableKey: null });
    await vi.waitFor(() => expect(shown()).toEqual(['Cash on delivery']));
    expect(choice.componentInstance.method()).toBe('COD');
  });

  it('is asked for again where the shop could not be reached', async () => {
    fail(await asked(), 0);
    await vi.waitFor(() => page().querySelector('button')!.click());
    (await asked()).flush({ methods: ['COD'], cardGateway: null, publishableKey: null });
    await vi.waitFor(() => expect(shown()).toEqual(['Cash on delivery']));
  });
});

import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { FakeShop, product, quiet } from '../../testing/shop';
import { Suggestions } from './suggestions';

describe('suggestions', () => {
  let shop: FakeShop;
  let field: HTMLInputElement;
  let host: HTMLElement;

  beforeEach(async () => {
    shop = new FakeShop();
    field = document.createElement('input');
    field.id = 'search';
    document.body.append(field);
    const fixture = TestBed.createComponent(Suggestions);
    fixture.componentRef.setInput('field', field);
    host = fixture.nativeElement as HTMLElement;
    await quiet();
    (await shop.takes('GET', '/api/categories')).flush({
      items: ['Bags', 'Café & Kitchen', 'Kids'].map((category) => ({ category, count: 1, picture: null })),
    });
    await quiet();
    field.focus();
  });

  afterEach(() => field.remove());

  async function type(text: string, ...found: string[]): Promise<readonly string[]> {
    field.value = text;
    field.dispatchEvent(new Event('input'));
    (await shop.takes('GET', '/api/products')).flush({ items: found.map((each) => product(each, 100)) });
    await quiet();
    return [...host.querySelectorAll('[role=option] > span:not(.price)')].map((each) => each.textContent.trim());
  }

  it('begin with the categories that are called so, by any of their words and without accents', async () => {
    expect(await type('kit', 'kettle')).toEqual(['All in Café & Kitchen', 'kettle', 'See all results for “kit”']);
    expect(await type('cafe')).toEqual(['All in Café & Kitchen', 'See all results for “cafe”']);
    expect(await type('itchen', 'kettle')).toEqual(['kettle', 'See all results for “itchen”']);
  });

  it('lead to a category by the keyboard', async () => {
    const navigate = vi.spyOn(TestBed.inject(Router), 'navigate').mockResolvedValue(true);
    await type('ba', 'bag');
    for (const key of ['ArrowDown', 'Enter']) field.dispatchEvent(new KeyboardEvent('keydown', { key }));
    expect(navigate).toHaveBeenCalledWith(['/products'], { queryParams: { category: 'Bags' } });
    expect(host.querySelector('[role=status]')!.textContent).toContain('2 suggestions');
  });

  it('are not there where nothing is found', async () => {
    await type('xyz');
    expect(host.querySelector<HTMLElement>('[role=listbox]')!.hidden).toBe(true);
  });
});

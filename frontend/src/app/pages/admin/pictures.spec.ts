import { ComponentFixture, TestBed } from '@angular/core/testing';
import { StaffProduct } from '../../api/models';
import { FakeShop, quiet } from '../../../testing/shop';
import { Pictures } from './pictures';

const PATH = '/api/admin/products/mug/images';

const MUG: StaffProduct = {
  productId: 'mug',
  name: 'Mug',
  category: 'Kitchen',
  description: '',
  price: { amount: 1990, currency: 'SGD' },
  listed: true,
  variant: null,
  available: 3,
  version: 4,
  createdAt: '2026-05-10T12:00:00Z',
  updatedAt: '2026-05-10T12:00:00Z',
  images: [
    { imageId: 'one', alt: 'One', state: 'READY', sizes: [{ width: 320, url: '/pictures/1.webp' }], why: null },
    { imageId: 'two', alt: 'Two', state: 'FAILED', sizes: [], why: 'It is no picture.' },
  ],
};

let shop: FakeShop;
let fixture: ComponentFixture<Pictures>;
let page: HTMLElement;

beforeEach(() => {
  shop = new FakeShop();
  fixture = TestBed.createComponent(Pictures);
  fixture.componentRef.setInput('product', MUG);
  fixture.detectChanges();
  page = fixture.nativeElement as HTMLElement;
});

function press(name: string): void {
  const buttons = [...page.querySelectorAll('button')];
  buttons.find(({ textContent }) => textContent.replace(/\s+/g, ' ').trim() === name)!.click();
  fixture.detectChanges();
}

describe('the pictures of a product', () => {
  it('say why one has failed', () => {
    expect(page.textContent).toContain('It is no picture.');
  });

  it('are saved in their new order, with the version that was seen', async () => {
    expect(page.textContent).not.toContain('Save the pictures');
    press('Down picture 1');
    page.querySelector('form')!.requestSubmit();
    const request = await shop.takes('PUT', PATH);
    expect(request.request.body).toEqual({
      version: 4,
      images: [
        { imageId: 'two', alt: 'Two' },
        { imageId: 'one', alt: 'One' },
      ],
    });
  });

  it('keep what is typed while an upload is made ready, and begin anew with another version of them', async () => {
    press('Remove picture 2');
    fixture.componentRef.setInput('product', { ...MUG, available: 2 });
    await quiet();
    expect(page.querySelectorAll('tbody tr').length).toBe(1);
    fixture.componentRef.setInput('product', { ...MUG, version: 5, images: [] });
    await quiet();
    expect(page.querySelectorAll('tbody tr').length).toBe(0);
  });

  it('go to the bucket without a token, each behind a ticket of its own', async () => {
    const sent: [string, RequestInit][] = [];
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      sent.push([url, init]);
      return Promise.resolve({ ok: true });
    });
    let uploaded = 0;
    fixture.componentInstance.uploaded.subscribe(() => uploaded++);
    const input = page.querySelector<HTMLInputElement>('input[type=file]')!;
    const files = ['a', 'b'].map((name) => new File([name], `${name}.png`, { type: 'image/png' }));
    Object.defineProperty(input, 'files', { value: files });
    Object.defineProperty(input, 'value', { value: '', writable: true });
    input.dispatchEvent(new Event('change'));
    for (const [at, name] of ['a', 'b'].entries()) {
      const ticket = await shop.takes('POST', PATH);
      expect(ticket.request.body).toEqual({ contentType: 'image/png', alt: '' });
      ticket.flush({
        url: `https://bucket/${name}`,
        fields: { key: name },
        imageId: name,
        maxBytes: 9,
        version: 5 + at,
      });
    }
    await vi.waitFor(() => expect(uploaded).toBe(1));
    expect(sent.map(([url]) => url)).toEqual(['https://bucket/a', 'https://bucket/b']);
    expect(sent.every(([, init]) => init.headers === undefined)).toBe(true);
    const form = sent[0]![1].body as FormData;
    expect([...form.keys()]).toEqual(['key', 'file']);
    vi.unstubAllGlobals();
  });
});

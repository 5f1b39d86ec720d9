import { HttpErrorResponse, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, TestRequest, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { provideApiConfiguration } from '../app/api/api-configuration';
import { CartView, LineView, ProductView, Session as Tokens } from '../app/api/models';
import { authorize, explain, readClock } from '../app/core/interceptors';

// jsdom has none. A test imports this before the component whose sheet is adopted.
if (!('adoptedStyleSheets' in document)) Object.assign(document, { adoptedStyleSheets: [] });

/** The API at the other end of the wire: a test takes each request, when it has come, and answers it when it likes. */
export class FakeShop {
  private readonly http: HttpTestingController;

  constructor() {
    localStorage.clear();
    sessionStorage.clear();
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(withInterceptors([explain, authorize, readClock])),
        provideHttpClientTesting(),
        provideApiConfiguration(''),
        provideRouter([]),
      ],
    });
    this.http = TestBed.inject(HttpTestingController);
  }

  /** The next request of this kind; waits for it. There must be one, and no more than one. */
  async takes(method: string, url: string): Promise<TestRequest> {
    return vi.waitFor(() => this.http.expectOne((request) => request.method === method && request.url === url));
  }

  /** How many requests of this kind wait for an answer now; they are answered by nobody after this. */
  async waiting(method: string, url: string): Promise<TestRequest[]> {
    await quiet();
    return this.http.match((request) => request.method === method && request.url === url);
  }

  /** Nothing else has been asked, but for the categories, which the catalogue fetches for the shell. */
  async isLeftAlone(): Promise<void> {
    await this.waiting('GET', '/api/categories');
    this.http.verify();
  }
}

/** Let everything go as far as it gets without an answer. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    TestBed.tick();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Answer with problem details, as the API does. */
export function refuse(request: TestRequest, status: number, type: string, extra: object = {}): void {
  const body = { type: `urn:cloudretail:problem:${type}`, title: type, status, detail: `about ${type}`, ...extra };
  request.flush(request.request.responseType === 'text' ? JSON.stringify(body) : body, {
    status,
    statusText: type,
  });
}

/** Answer as the gateway itself does, or nobody (0). */
export function fail(request: TestRequest, status: number): void {
  if (status === 0) request.error(new ProgressEvent('error'));
  else request.flush({ message: 'plain' }, { status, statusText: 'plain' });
}

/** What Angular throws for an answer. */
export function answer(status: number, body: unknown): HttpErrorResponse {
  return new HttpErrorResponse({ status, error: body, url: '/api' });
}

export function tokensOf(userId: string, idToken = `token of ${userId}`): Tokens {
  return { idToken, expiresIn: 3600, user: { userId, email: `${userId}@example.com`, name: userId, groups: [] } };
}

export function product(productId: string, price: number, available = 10): ProductView {
  return {
    productId,
    name: productId,
    description: '',
    category: 'Bags',
    price: { amount: price, currency: 'SGD' },
    images: [{ alt: '', sizes: [{ width: 320, url: `/pictures/${productId}.webp` }] }],
    available,
    listed: true,
    group: null,
    createdAt: '2026-01-01T00:00:00Z',
  };
}

export function line(productId: string, quantity: number, price: number): LineView {
  return {
    productId,
    name: productId,
    quantity,
    unitPrice: { amount: price, currency: 'SGD' },
    currentPrice: { amount: price, currency: 'SGD' },
    priceChanged: false,
    available: 10,
    discontinued: false,
    lineTotal: { amount: price * quantity, currency: 'SGD' },
  };
}

export function cartOf(version: number, ...items: LineView[]): CartView {
  const amount = items.reduce((sum, each) => sum + each.lineTotal.amount, 0);
  return { items, total: { amount, currency: 'SGD' }, version };
}

import { HttpClient, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { firstValueFrom } from 'rxjs';
import { broughtAlong } from './answers';

describe('what a page brings along', () => {
  afterEach(() => document.getElementById('answers')?.remove());

  function client(brought?: object): HttpClient {
    if (brought) {
      const script = document.createElement('script');
      script.id = 'answers';
      script.type = 'application/json';
      script.textContent = JSON.stringify(brought);
      document.body.append(script);
    }
    TestBed.configureTestingModule({
      providers: [provideHttpClient(withInterceptors([broughtAlong])), provideHttpClientTesting()],
    });
    return TestBed.inject(HttpClient);
  }

  it('is not asked for, once', async () => {
    const http = client({ '/api/products?limit=1': { items: [] } });

    expect(await firstValueFrom(http.get('/api/products', { params: { limit: 1 } }))).toEqual({ items: [] });

    const again = firstValueFrom(http.get('/api/products', { params: { limit: 1 } }));
    TestBed.inject(HttpTestingController)
      .expectOne('/api/products?limit=1')
      .flush({ items: ['lamp'] });
    expect(await again).toEqual({ items: ['lamp'] });
  });

  it('is found however its address is written', async () => {
    const http = client({ '/api/products?q=tea+%26+coffee&category=Bags': { items: [] } });

    const found = http.get('/api/products', { params: { category: 'Bags', q: 'tea & coffee' } });
    expect(await firstValueFrom(found)).toEqual({ items: [] });
  });

  it('answers nothing else', async () => {
    const http = client({ '/api/products?limit=1': { items: [] } });

    const other = firstValueFrom(http.get('/api/products', { params: { limit: 2 } }));
    TestBed.inject(HttpTestingController).expectOne('/api/products?limit=2').flush('asked');
    expect(await other).toBe('asked');
  });

  it('may be nothing', async () => {
    const any = firstValueFrom(client().get('/api/categories'));
    TestBed.inject(HttpTestingController).expectOne('/api/categories').flush('asked');
    expect(await any).toBe('asked');
  });
});

import { safeNext } from './guards';

describe('after logging in', () => {
  it.each(['/orders', '/orders/abc/pay?x=1#y', '/products?category=Bags'])('the visitor comes back to %s', (next) => {
    expect(safeNext(next)).toBe(next);
  });

  it.each([undefined, '', 'https://evil.example', '//evil.example', '/\\evil.example', 'orders', '/login?next=/login'])(
    'nobody is led to %s',
    (next) => {
      expect(safeNext(next)).toBe('/');
    },
  );
});

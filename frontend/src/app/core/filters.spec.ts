import { EVERYTHING, Filters, filtersOf, paramsOf, queryOf } from './filters';

describe('filters in the address', () => {
  it('are none in an empty one', () => {
    expect(filtersOf({})).toEqual(EVERYTHING);
    expect(queryOf(EVERYTHING)).toEqual({ category: null, q: null, sort: null, inStock: null });
  });

  it.each<Filters>([
    { category: 'Bags', q: '', sort: 'name', inStock: false },
    { category: '', q: 'tea & coffee', sort: '-price', inStock: true },
    { category: 'Home', q: 'lamp', sort: 'newest', inStock: false },
  ])('come back as they were written: %o', (filters) => {
    const query = Object.entries(queryOf(filters)).filter(([, value]) => value !== null);
    expect(filtersOf(Object.fromEntries(query))).toEqual(filters);
  });

  it('that nobody knows are not meant', () => {
    expect(filtersOf({ sort: 'random', inStock: 'yes', q: '   ' })).toEqual(EVERYTHING);
  });

  it('are not longer than the API takes', () => {
    const { q, category } = filtersOf({ q: 'x'.repeat(500), category: 'y'.repeat(500) });
    expect([q.length, category.length]).toEqual([100, 120]);
  });

  it('are sent to the API only where they narrow something down', () => {
    expect(paramsOf(EVERYTHING)).toEqual({ sort: 'name' });
    expect(paramsOf({ category: 'Bags', q: 'red', sort: 'price', inStock: true })).toEqual({
      category: 'Bags',
      q: 'red',
      sort: 'price',
      inStock: true,
    });
  });
});

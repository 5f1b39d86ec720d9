import { EVERYTHING, Filters, filtersOf, pagesOf, paramsOf, queryOf, sortsOf } from './filters';

describe('filters in the address', () => {
  it('are none in an empty one', () => {
    expect(filtersOf({})).toEqual(EVERYTHING);
    expect(Object.values(queryOf(EVERYTHING)).every((value) => value === null)).toBe(true);
  });

  it.each<Partial<Filters>>([
    { category: 'Bags', sort: 'newest' },
    { q: 'tea & coffee', sort: '-price', inStock: true },
    { q: 'lamp', category: 'Home', sort: 'name', minPrice: 0, maxPrice: 1990 },
    { minPrice: 500 },
  ])('come back as they were written: %o', (some) => {
    const filters = { ...EVERYTHING, ...some };
    const query = Object.entries(queryOf(filters)).filter(([, value]) => value !== null);
    expect(filtersOf(Object.fromEntries(query))).toEqual(filters);
  });

  it.each([
    { sort: 'random', inStock: 'yes', q: '   ' },
    { sort: 'name' },
    { sort: 'relevance' },
    { minPrice: '-1', maxPrice: 'cheap' },
    { minPrice: '1.50', maxPrice: '12345678901' },
  ])('that nobody knows, or that are as usual, are not meant: %o', (query) => {
    expect(filtersOf(query)).toEqual(EVERYTHING);
  });

  it('are not longer than the API takes', () => {
    const { q, category } = filtersOf({ q: 'x'.repeat(500), category: 'y'.repeat(500) });
    expect([q.length, category.length]).toEqual([100, 120]);
  });

  it('take a range of prices from either end', () => {
    expect(filtersOf({ minPrice: '200', maxPrice: '100' })).toMatchObject({ minPrice: 100, maxPrice: 200 });
  });

  it('are sent to the API only where they narrow something down', () => {
    expect(paramsOf(EVERYTHING)).toEqual({});
    const all: Filters = { category: 'Bags', q: 'red', sort: 'price', inStock: true, minPrice: 0, maxPrice: 5 };
    expect(paramsOf(all)).toEqual(all);
  });

  it('of another list lead to its first page', () => {
    expect(queryOf({ ...EVERYTHING, category: 'Bags' })['page']).toBeNull();
  });
});

describe('the orders to choose from', () => {
  it('begin with what fits best, of a search only', () => {
    expect(sortsOf({ ...EVERYTHING, q: 'mug' }).map(([sort]) => sort)).toEqual([
      '',
      'name',
      'newest',
      'price',
      '-price',
    ]);
    expect(sortsOf(EVERYTHING).map(([sort]) => sort)).toEqual(['', 'newest', 'price', '-price']);
  });
});

describe('the page in the address', () => {
  it.each([
    [undefined, 1],
    ['3', 3],
    ['0', 1],
    ['-2', 1],
    ['many', 1],
    ['999', 20],
  ])('of %s shows so many: %i', (page, pages) => {
    expect(pagesOf(page)).toBe(pages);
  });
});

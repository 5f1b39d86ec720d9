import { Sorting } from './sorting';

const ROWS = [
  { name: 'b', size: 10 },
  { name: 'A', size: 9 },
  { name: 'c', size: null },
];

describe('the rows of a table', () => {
  it('stand as they came until a column is chosen, and again after the third choice', () => {
    const sorting = new Sorting<(typeof ROWS)[number]>({ name: ({ name }) => name, size: ({ size }) => size });
    const orders = [undefined, 'name', 'name', 'name', 'size', 'size'].map((column) => {
      if (column) sorting.toggle(column);
      return sorting
        .sorted(ROWS)
        .map(({ name }) => name)
        .join('');
    });
    expect(orders).toEqual(['bAc', 'Abc', 'cbA', 'bAc', 'Abc', 'bAc']);
  });

  it('have numbers in the order of their values, also within a text', () => {
    const sorting = new Sorting<string>({ text: (text) => text });
    sorting.toggle('text');
    expect(sorting.sorted(['row 10', 'row 9'])).toEqual(['row 9', 'row 10']);
    expect([sorting.direction('text'), sorting.direction('other')]).toEqual(['ascending', null]);
  });
});

import { equalOnes } from './equal';

describe('equal things', () => {
  it('are one, with their number, in the place of the first', () => {
    const things = ['b1', 'a1', 'b2', 'b3'];
    const found = equalOnes(things, (thing) => [thing[0]]);
    expect(found.map(({ first, all }) => [first, all.length])).toEqual([
      ['b1', 3],
      ['a1', 1],
    ]);
  });
});

import { fromNow } from './from-now.pipe';

const NOW = Date.parse('2026-05-10T12:00:00Z');

describe('a moment', () => {
  it.each([
    ['2026-05-10T11:59:30Z', '30 seconds ago'],
    ['2026-05-10T09:00:01Z', '2 hours ago'],
    ['2026-05-07T11:00:00Z', '3 days ago'],
    ['2026-05-21T13:00:00Z', 'in 11 days'],
    ['2026-05-10T12:00:00Z', 'in 0 seconds'],
  ])('%s is %s', (moment, words) => {
    expect(fromNow(moment, NOW)).toBe(words);
  });
});

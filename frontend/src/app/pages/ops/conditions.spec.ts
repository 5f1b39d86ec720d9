import { conditionsOf, paramsOf, queryOf, toField } from './conditions';

const NONE = { orderId: '', userId: '', eventName: '', cause: '', since: '', until: '' };

describe('conditions on dead letters', () => {
  it('are none where the address says nothing', () => {
    expect(conditionsOf({})).toEqual(NONE);
    expect(paramsOf(NONE)).toEqual({});
    expect(Object.values(queryOf(NONE))).toEqual([null, null, null, null, null, null]);
  });

  it('come back from the address as they went there', () => {
    const some = { ...NONE, orderId: 'ord_1', cause: 'ValueError at a.py:3', since: '2026-05-10T12:00:00.000Z' };
    const query = Object.fromEntries(Object.entries(queryOf(some)).map(([name, value]) => [name, value ?? undefined]));
    expect(conditionsOf(query)).toEqual(some);
    expect(paramsOf(some)).toEqual({ orderId: 'ord_1', cause: some.cause, since: some.since });
  });

  it('leave out what is no moment, and what is longer than the API takes', () => {
    const found = conditionsOf({ since: 'yesterday', cause: 'x'.repeat(500), orderId: '  ord_1 ' });
    expect([found.since, found.cause.length, found.orderId]).toEqual(['', 200, 'ord_1']);
  });

  it('stand in a field for a moment as they came out of it', () => {
    expect(toField(conditionsOf({ until: '2026-05-10T07:05' }).until)).toBe('2026-05-10T07:05');
    expect(toField('')).toBe('');
  });
});

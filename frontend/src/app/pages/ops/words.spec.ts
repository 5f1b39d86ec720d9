import { Replay } from '../../api/models';
import { barsOf, doneOf, outcomesOf, pretty, stateOf, titleOf } from './words';

function replay(change: Partial<Replay>): Replay {
  const at = '2026-05-10T12:00:00Z';
  const plain = {
    selection: null,
    planned: null,
    rate: 20,
    outcomes: {},
    endedAt: null,
    beatAt: null,
    version: null,
  } as const;
  return {
    ...plain,
    at,
    replayId: 'rpl_1',
    action: 'REPLAY',
    by: 'o@example.com',
    reason: 'why',
    target: 'x',
    state: 'RUNNING',
    ...change,
  };
}

describe('a dead-letter queue', () => {
  it.each([
    ['OrdersDlq', 'Orders'],
    ['PaymentWindowDlq', 'Payment window'],
    ['RuleTargetsDlq', 'Rule targets'],
  ])('%s reads %s', (queue, title) => {
    expect(titleOf(queue)).toBe(title);
  });
});

describe("a message's body", () => {
  it('has its lines broken where it is JSON', () => {
    expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  });

  it.each(['not JSON', '{"a":', ''])('stays as it is where it is none: %s', (body) => {
    expect(pretty(body)).toBe(body);
  });
});

describe('a replay', () => {
  it('counts what came to an outcome, and not what was only planned', () => {
    const some = replay({ outcomes: { PLANNED: 3, REPLAYED: 2, FAILED: 1 } });
    expect([doneOf(some), outcomesOf(some)]).toEqual([3, '2 replayed, 1 refused, still there']);
  });

  it('says in the end what became of its messages', () => {
    expect(stateOf(replay({ state: 'DONE', outcomes: { WOULD_FAIL: 2 } }))).toBe('Done: 2 would fail again.');
    expect(stateOf(replay({ state: 'DONE' }))).toBe('Done: there was nothing to do.');
    expect(stateOf(replay({ state: 'INTERRUPTED' }))).toContain('dead letters still');
  });
});

describe('bars', () => {
  it('are as high as the greatest lets them be, and one of nothing is the lowest', () => {
    expect(barsOf([0, 1, 4, 8])).toBe('▁▂▅█');
    expect(barsOf([0, 0])).toBe('▁▁');
  });
});

import { TestBed } from '@angular/core/testing';
import { Replay, ReplayedMessage } from '../../api/models';
import { Poller } from '../../core/poller';
import { FakeShop } from '../../../testing/shop';
import { ReplayFollower } from './replay-follower';

const AT = '/api/ops/replays/rpl_1';

let shop: FakeShop;
let follower: ReplayFollower;

beforeEach(() => {
  TestBed.configureTestingModule({ providers: [ReplayFollower, Poller] });
  shop = new FakeShop();
  follower = TestBed.inject(ReplayFollower);
});

afterEach(() => TestBed.inject(Poller).stop());

function replay(state: Replay['state'], outcomes: Replay['outcomes']): Replay {
  const plain = {
    selection: null,
    planned: 2,
    rate: 20,
    beatAt: null,
    version: null,
    endedAt: null,
    reason: 'why',
    target: 'all',
  } as const;
  return {
    ...plain,
    replayId: 'rpl_1',
    action: 'REPLAY',
    by: 'o@example.com',
    at: '2026-05-10T12:00:00Z',
    state,
    outcomes,
  };
}

function message(messageId: string): ReplayedMessage {
  const plain = { eventId: null, eventName: null, orderId: null, text: null, state: null } as const;
  return {
    ...plain,
    messageId,
    replayId: 'rpl_1',
    queue: 'OrdersDlq',
    outcome: 'REPLAYED',
    generation: 1,
    copies: [],
    at: '2026-05-10T12:00:00Z',
  };
}

function shown(): string[] {
  return follower.messages().map(({ messageId }) => messageId);
}

describe('following a replay', () => {
  it('asks again until it has ended, and then no more', async () => {
    follower.follow('rpl_1');
    (await shop.takes('GET', AT)).flush(replay('RUNNING', { PLANNED: 1, REPLAYED: 1 }));
    (await shop.takes('GET', `${AT}/messages`)).flush({ items: [message('a')], nextCursor: 'later' });
    await vi.waitFor(() => expect(shown()).toEqual(['a']));
    // While it goes on, a next page would be another one each time.
    expect(follower.nextCursor()).toBeNull();

    (await shop.takes('GET', AT)).flush(replay('DONE', { REPLAYED: 2 }));
    (await shop.takes('GET', `${AT}/messages`)).flush({ items: [message('a')], nextCursor: 'next' });
    await vi.waitFor(() => expect(follower.nextCursor()).toBe('next'));
    expect(follower.replay()?.state).toBe('DONE');

    const more = follower.more();
    const request = await shop.takes('GET', `${AT}/messages`);
    expect(request.request.params.get('cursor')).toBe('next');
    request.flush({ items: [message('b')], nextCursor: null });
    await more;
    expect([shown(), follower.nextCursor()]).toEqual([['a', 'b'], null]);
    await shop.isLeftAlone();
  });

  it('does not fetch the messages again while nothing happens', async () => {
    follower.follow('rpl_1');
    (await shop.takes('GET', AT)).flush(replay('RUNNING', { PLANNED: 2 }));
    (await shop.takes('GET', `${AT}/messages`)).flush({ items: [message('a')], nextCursor: null });
    (await shop.takes('GET', AT)).flush(replay('RUNNING', { PLANNED: 2 }));
    expect(await shop.waiting('GET', `${AT}/messages`)).toEqual([]);
  });
});

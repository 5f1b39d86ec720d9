import { Injectable, inject, signal } from '@angular/core';
import { Api } from '../../api/api';
import { getReplay } from '../../api/fn/operations/get-replay';
import { listReplayedMessages } from '../../api/fn/operations/list-replayed-messages';
import { Replay, ReplayedMessage } from '../../api/models';
import { Poller, Seen } from '../../core/poller';
import { doneOf, hasEnded } from './words';

const PAGE = 50;

/** Follows a replay to its end, with what became of each message. Provide it together with `Poller`. */
@Injectable()
export class ReplayFollower {
  private readonly api = inject(Api);
  private readonly poller = inject(Poller);
  private replayId = '';

  readonly replay = signal<Replay | null>(null);
  /** The first of them while it goes on. */
  readonly messages = signal<readonly ReplayedMessage[]>([]);
  /** Where there are more messages, once it has ended. */
  readonly nextCursor = signal<string | null>(null);

  follow(replayId: string): void {
    this.replayId = replayId;
    this.replay.set(null);
    this.messages.set([]);
    this.nextCursor.set(null);
    this.poller.start(() => this.look(replayId));
  }

  /** Show the next messages below; throws ApiError. */
  async more(): Promise<void> {
    const [replayId, cursor] = [this.replayId, this.nextCursor()];
    if (!cursor) return;
    const page = await this.api.invoke(listReplayedMessages, { replayId, limit: PAGE, cursor });
    if (replayId !== this.replayId) return;
    this.messages.update((shown) => [...shown, ...page.items]);
    this.nextCursor.set(page.nextCursor);
  }

  private async look(replayId: string): Promise<Seen> {
    const replay = await this.api.invoke(getReplay, { replayId });
    const ended = hasEnded(replay);
    if (stamp(replay) === stamp(this.replay())) return ended ? 'final' : 'nothing';
    const page = await this.api.invoke(listReplayedMessages, { replayId, limit: PAGE });
    if (replayId !== this.replayId) return 'nothing';
    this.messages.set(page.items);
    this.nextCursor.set(ended ? page.nextCursor : null);
    this.replay.set(replay);
    return ended ? 'final' : 'news';
  }
}

function stamp(replay: Replay | null): string {
  return replay ? [replay.replayId, replay.state, replay.planned, doneOf(replay)].join(' ') : '';
}

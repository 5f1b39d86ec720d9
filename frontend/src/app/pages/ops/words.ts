import { Action, CauseGroup, FailureState, Outcome, Replay } from '../../api/models';

/** A dead-letter queue's name as it reads best: `PaymentWindowDlq` is "Payment window". */
export function titleOf(queue: string): string {
  const words = queue.replace(/Dlq$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return words.charAt(0) + words.slice(1).toLowerCase();
}

/** A message's body with its lines broken, where it is JSON; else as it is. */
export function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

/** What a group of dead letters consists of: "3 × OrderPlaced, 1 × no event". */
export function eventsOf({ events }: CauseGroup): string {
  return Object.entries(events)
    .map(([name, count]) => `${count} × ${name}`)
    .join(', ');
}

const BARS = '▁▂▃▄▅▆▇█';

/** A bar for each number, as high as the greatest lets it be: "▁▁▂█". */
export function barsOf(numbers: readonly number[]): string {
  const most = Math.max(...numbers, 1);
  return numbers.map((number) => BARS[Math.ceil((number * (BARS.length - 1)) / most)]).join('');
}

export const STATES: Readonly<Record<FailureState, { readonly label: string; readonly tag: string }>> = {
  FAILING: { label: 'Being retried', tag: 'tag-caution' },
  DEAD: { label: 'Given up', tag: 'tag-bad' },
  REPLAYING: { label: 'Being replayed', tag: 'tag-caution' },
  REPLAYED: { label: 'Replayed, and under way', tag: 'tag-caution' },
  RESOLVED: { label: 'Done', tag: 'tag-good' },
  DROPPED: { label: 'Dropped', tag: '' },
};

export const ACTIONS: Readonly<Record<Action, string>> = {
  REPLAY: 'Replay',
  COPY: 'Copy to another stage',
  DROP: 'Drop',
  DRY_RUN: 'Dry run',
  NUDGE: 'Nudge',
  ARCHIVE: 'Replay of the archive',
};

export const OUTCOMES: Readonly<Record<Outcome, { readonly label: string; readonly tag: string }>> = {
  PLANNED: { label: 'Not its turn yet', tag: '' },
  REPLAYED: { label: 'Replayed', tag: 'tag-good' },
  COPIED: { label: 'Copied, still there', tag: '' },
  DROPPED: { label: 'Dropped', tag: 'tag-good' },
  FAILED: { label: 'Refused, still there', tag: 'tag-bad' },
  GONE: { label: 'Gone already', tag: 'tag-caution' },
  WOULD_ACT: { label: 'Would act', tag: 'tag-good' },
  NOTHING_TO_DO: { label: 'Nothing to do', tag: '' },
  WOULD_FAIL: { label: 'Would fail again', tag: 'tag-bad' },
};

/** How many messages came to each outcome: "2 would act, 1 would fail again"; empty while none has. */
export function outcomesOf({ outcomes }: Replay): string {
  return Object.entries(OUTCOMES)
    .filter(([outcome]) => outcome !== 'PLANNED' && outcomes[outcome])
    .map(([outcome, { label }]) => `${outcomes[outcome]} ${label.toLowerCase()}`)
    .join(', ');
}

/** How many messages came to an outcome. */
export function doneOf({ outcomes }: Replay): number {
  return Object.entries(outcomes).reduce((sum, [outcome, count]) => (outcome === 'PLANNED' ? sum : sum + count), 0);
}

/** Nothing more will happen to it. */
export function hasEnded({ state }: Replay): boolean {
  return state === 'DONE' || state === 'CANCELLED' || state === 'INTERRUPTED';
}

/** How far it is, in a sentence. */
export function stateOf(replay: Replay): string {
  switch (replay.state) {
    case 'QUEUED':
      return 'It begins in a moment.';
    case 'RUNNING':
      return 'It is going on.';
    case 'CANCELLED':
      return 'It was cancelled. The remaining messages are dead letters still.';
    case 'INTERRUPTED':
      return 'It was interrupted. The remaining messages are dead letters still. It is safe to start it again.';
    case 'DONE':
      return `Done: ${outcomesOf(replay) || 'there was nothing to do'}.`;
  }
}

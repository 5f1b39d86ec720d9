import { HistoryMovement, MovementKind, OrdersEffect } from '../../api/models';

export const KINDS: Readonly<Record<MovementKind, string>> = {
  RECEIPT: 'Received',
  COUNT: 'Count corrected',
  DAMAGE: 'Damaged',
  THRESHOLD: 'Threshold changed',
};

/** "+3", "−3", "0" */
export function signed(number: number): string {
  return `${number > 0 ? '+' : ''}${number}`.replace('-', '−');
}

/** What a movement was: "12 → 9", for a threshold what it was and is. */
export function changeOf({ kind, before, after }: HistoryMovement): string {
  const [was, is] = kind === 'THRESHOLD' ? [before.lowAt, after.lowAt] : [before.available, after.available];
  return `${was ?? 'none'} → ${is ?? 'none'}`;
}

const COUNTERS = { available: 'available', reserved: 'reserved', sold: 'sold', writtenOff: 'written off' } as const;

/** What orders have changed: "−2 available, +2 sold". */
export function effectOf(effect: OrdersEffect): string {
  return Object.entries(COUNTERS)
    .map(([name, words]) => [effect[name as keyof OrdersEffect], words] as const)
    .filter(([change]) => change)
    .map(([change, words]) => `${signed(change)} ${words}`)
    .join(', ');
}

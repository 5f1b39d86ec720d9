import { Injectable, computed, inject, signal } from '@angular/core';
import { Api } from '../api/api';
import { listRefunds } from '../api/fn/back-office/list-refunds';
import { listShipments } from '../api/fn/back-office/list-shipments';
import { listQueues } from '../api/fn/operations/list-queues';
import { Seen } from '../core/poller';
import { Session } from '../core/session';

/** Counted up to here: what waits is listed, and nobody lists all of it to count it. */
const MOST = 50;

/** What waits for somebody. */
export type Pile = 'toShip' | 'returns' | 'refunds' | 'deadLetters';

/** How much waits, for the side bar; a page that has done something asks for another look. */
@Injectable({ providedIn: 'root' })
export class Work {
  private readonly api = inject(Api);
  private readonly session = inject(Session);
  private readonly counts = signal<Readonly<Partial<Record<Pile, string>>>>({});
  private readonly asked = signal(0);

  /** How often a look was asked for. */
  readonly changes = this.asked.asReadonly();

  /** Such as "3" or "50+"; empty where there is nothing, or it is not known. */
  readonly of = computed(() => {
    const counts = this.counts();
    return (pile: Pile) => counts[pile] ?? '';
  });

  /** Something was done about it. */
  changed(): void {
    this.asked.update((count) => count + 1);
  }

  /** Count; throws ApiError. */
  async look(): Promise<Seen> {
    const [staff, operator] = [this.session.isStaff(), this.session.isOperator()];
    const [toShip, returns, refunds, queues] = await Promise.all([
      staff ? this.api.invoke(listShipments, { open: 'TO_SHIP', limit: MOST }) : null,
      staff ? this.api.invoke(listShipments, { open: 'RETURN', limit: MOST }) : null,
      staff ? this.api.invoke(listRefunds, { limit: MOST }) : null,
      operator ? this.api.invoke(listQueues) : null,
    ]);
    const dead = queues?.items.reduce((sum, queue) => sum + queue.dead, 0) ?? 0;
    const counts = {
      toShip: counted(toShip),
      returns: counted(returns),
      refunds: counted(refunds),
      deadLetters: dead ? String(dead) : '',
    };
    const same = JSON.stringify(counts) === JSON.stringify(this.counts());
    this.counts.set(counts);
    return same ? 'later' : 'nothing';
  }
}

function counted(part: { readonly items: readonly unknown[]; readonly nextCursor: string | null } | null): string {
  if (!part?.items.length) return '';
  return part.nextCursor ? `${part.items.length}+` : String(part.items.length);
}

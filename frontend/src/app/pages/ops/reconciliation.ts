import { Component, computed, inject, signal } from '@angular/core';
import { Api } from '../../api/api';
import { listReconciliations } from '../../api/fn/operations/list-reconciliations';
import { listViolations } from '../../api/fn/operations/list-violations';
import { startReconciliation } from '../../api/fn/operations/start-reconciliation';
import { Reconciliation, Violation } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { Submission } from '../../core/submission';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { Icon } from '../../ui/icon';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';

@Component({
  selector: 'shop-reconciliation',
  imports: [FromNowPipe, Heading, Icon, Problem, Skeleton],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Reconciliation</h1>
    <p class="office-lead">
      The rules that must always hold across the tables: the stock of each product, the money of each payment,
      reservations, payments and shipments against orders; and what takes too long: orders, parcels, returns, refunds.
      Nothing is repaired here.
    </p>
    <p role="status" class="listing-count">{{ summary() }}</p>
    @if (problem(); as error) {
      <shop-problem [error]="error" (retry)="poller.hurry()" />
    } @else if (latest(); as found) {
      <p class="hint">
        {{ found.done }} of {{ found.parts ?? '?' }} parts, {{ found.rows }} rows, started {{ found.at | fromNow }} by
        {{ found.by }}
      </p>
      @if (violations().length) {
        <ul class="console-rows">
          @for (violation of violations(); track $index) {
            <li class="panel">
              <h2>{{ violation.text }}</h2>
              <p class="hint order-number">{{ violation.rule }} · {{ violation.table }} · {{ violation.key }}</p>
            </li>
          }
        </ul>
      } @else if (found.state === 'DONE') {
        <div class="notice">
          <shop-icon name="check" />
          <p>The tables agree.</p>
        </div>
      }
    } @else if (latest() === null) {
      <div class="blank"><p>Nothing was checked yet.</p></div>
    } @else {
      <div class="stack" aria-busy="true"><shop-skeleton height="4rem" /></div>
    }
    <div class="actions">
      <button type="button" class="button button-quiet" [attr.aria-busy]="busy()" (click)="start()">
        {{ busy() ? 'Checking …' : 'Check now' }}
      </button>
    </div>
  `,
})
export default class ReconciliationPage {
  private readonly api = inject(Api);
  protected readonly poller = inject(Poller);
  private readonly starting = new Submission();

  /** The latest one of all rows; null where there is none, undefined until that is known. */
  protected readonly latest = signal<Reconciliation | null | undefined>(undefined);
  protected readonly violations = signal<Violation[]>([]);
  protected readonly problem = computed(() => this.starting.problem() ?? this.poller.problem());
  protected readonly busy = computed(() => this.starting.pending() || isUnderWay(this.latest()));
  protected readonly summary = computed(() => {
    const found = this.latest();
    if (!found || this.busy()) return '';
    if (found.violations) return `${counted(found.violations, 'violation')} found`;
    return found.state === 'DONE' ? 'No violations' : STATES_OF_A_CHECK[found.state];
  });

  constructor() {
    this.poller.start(() => this.look());
  }

  protected async start(): Promise<void> {
    if (this.busy()) return;
    await this.starting.run(async () => {
      const body = { reason: 'from the console' };
      this.latest.set(await this.api.invoke(startReconciliation, { body }));
      this.violations.set([]);
    });
    this.poller.hurry();
  }

  private async look(): Promise<Seen> {
    const { items } = await this.api.invoke(listReconciliations, {});
    const latest = items.find((each) => !each.replayId && !each.changedSince) ?? null;
    if (latest) {
      const { reconciliationId } = latest;
      this.violations.set((await this.api.invoke(listViolations, { reconciliationId })).items);
    }
    this.latest.set(latest);
    return isUnderWay(latest) ? 'news' : 'later';
  }
}

const STATES_OF_A_CHECK = {
  QUEUED: '',
  RUNNING: '',
  DONE: 'No violations',
  CANCELLED: 'Cancelled',
  INTERRUPTED: 'Interrupted: its worker has ended',
};

function isUnderWay(found: Reconciliation | null | undefined): boolean {
  return found?.state === 'QUEUED' || found?.state === 'RUNNING';
}

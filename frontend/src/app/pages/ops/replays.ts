import { Component, computed, inject, signal } from '@angular/core';
import { Api } from '../../api/api';
import { listReplays } from '../../api/fn/operations/list-replays';
import { Replay } from '../../api/models';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { csvOf } from '../../office/csv';
import { Find } from '../../office/find';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Skeleton } from '../../ui/skeleton';
import { Records } from './records';
import { ACTIONS, outcomesOf } from './words';

const LATEST = 100;

/** What operators did, and why: it can be searched, and taken along. */
@Component({
  selector: 'shop-replays',
  imports: [Find, Heading, Live, More, Records, Skeleton],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <div class="toolbar">
      <h1 shopHeading>Record</h1>
      <form shopFind [(wanted)]="wanted"></form>
      <button type="button" class="button button-quiet" (click)="save()">Export as CSV</button>
    </div>
    <p class="office-lead" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (list.items(); as all) {
      @if (rows().length) {
        <shop-records [records]="rows()" />
        <shop-more [of]="list" />
      } @else {
        <div class="blank">
          <p>{{ all.length ? 'No entry of this list has that.' : 'Nothing was done yet.' }}</p>
        </div>
      }
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class ReplaysPage {
  private readonly api = inject(Api);
  protected readonly poller = inject(Poller);

  protected readonly wanted = signal('');
  protected readonly list = new Paged<Replay>(
    (cursor) => this.api.invoke(listReplays, { limit: LATEST, ...(cursor && { cursor }) }),
    ({ replayId }) => replayId,
  );
  protected readonly rows = computed(() => {
    const wanted = this.wanted().trim().toLowerCase();
    const textOf = ({ replayId, action, target, reason, by }: Replay) =>
      [replayId, ACTIONS[action], target, reason, by].join('\n').toLowerCase();
    return (this.list.items() ?? []).filter((record) => textOf(record).includes(wanted));
  });
  protected readonly summary = computed(() => {
    if (!this.list.items()) return '';
    const more = this.list.nextCursor() ? ', and there are older ones' : '';
    return `${this.rows().length} in the record${more}`;
  });

  constructor() {
    this.poller.start(() => this.list.look());
  }

  /** What shows, as a file. */
  protected save(): void {
    const heading = ['replayId', 'at', 'action', 'target', 'state', 'outcomes', 'reason', 'by'];
    const lines = this.rows().map((record) => [
      ...[record.replayId, record.at, record.action, record.target, record.state],
      ...[outcomesOf(record), record.reason, record.by],
    ]);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([csvOf([heading, ...lines])], { type: 'text/csv' }));
    link.download = 'record.csv';
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

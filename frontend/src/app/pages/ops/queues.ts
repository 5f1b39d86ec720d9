import { Component, computed, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listQueues } from '../../api/fn/operations/list-queues';
import { QueueState } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { Live } from '../../office/live';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import { titleOf } from './words';

/** How all queues fare, and go on faring while somebody looks. */
@Component({
  selector: 'shop-queues',
  imports: [FromNowPipe, Heading, Live, RouterLink, Rows, Skeleton, SortHeading, WhenPipe],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Queues</h1>
    <p class="office-lead" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (queues(); as queues) {
      <div class="data-frame" tabindex="0" role="region" aria-label="Queues">
        <table class="data" shopRows>
          <caption>
            Queues, with how many messages each holds
          </caption>
          <thead>
            <tr>
              <th shopSort="name" [sorting]="sorting">Queue</th>
              @for (column of columns; track column[0]) {
                <th [shopSort]="column[0]" [sorting]="sorting" class="number">{{ column[1] }}</th>
              }
            </tr>
          </thead>
          <tbody>
            @for (queue of rows(); track queue.deadLetterQueue) {
              <tr>
                <th scope="row">
                  <a data-lead [routerLink]="['/ops/queues', queue.deadLetterQueue]">{{
                    title(queue.deadLetterQueue)
                  }}</a>
                  @if (!queue.queue) {
                    <span class="hint">Holds only what could not be delivered.</span>
                  }
                  @if (queue.paused; as paused) {
                    <span class="hint">
                      <span class="tag tag-caution">Paused</span> {{ paused.at | fromNow }} by {{ paused.by }}:
                      {{ paused.reason }}
                    </span>
                  }
                  @for (away of queue.away; track away.name) {
                    <span class="hint">
                      <span class="tag tag-bad">{{ away.name }} is away</span> since
                      <time [attr.datetime]="away.since">{{ away.since | when: 'second' }}</time>, asked
                      {{ away.askedAt | fromNow }}: {{ away.reason }}
                    </span>
                  }
                </th>
                <td class="number">
                  <span class="tag" [class.tag-bad]="queue.dead" [class.tag-good]="!queue.dead"
                    >{{ queue.dead }}<span class="visually-hidden"> dead letters</span></span
                  >
                </td>
                @if (queue.queue) {
                  <td class="number">
                    <span class="tag" [class.tag-caution]="queue.failing">{{ queue.failing }}</span>
                  </td>
                  <td class="number">{{ queue.waiting }}</td>
                  <td class="number">{{ queue.inFlight }}</td>
                  <td class="number">{{ queue.delayed }}</td>
                } @else {
                  <td colspan="4"></td>
                }
              </tr>
            }
          </tbody>
        </table>
      </div>
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="24rem" /></div>
    }
  `,
})
export default class QueuesPage {
  private readonly api = inject(Api);
  protected readonly poller = inject(Poller);

  protected readonly title = titleOf;
  protected readonly columns = [
    ['dead', 'Dead letters'],
    ['failing', 'Failing'],
    ['waiting', 'Waiting'],
    ['inFlight', 'In flight'],
    ['delayed', 'Delayed'],
  ] as const;
  protected readonly sorting = new Sorting<QueueState>({
    name: ({ deadLetterQueue }) => titleOf(deadLetterQueue),
    ...Object.fromEntries(this.columns.map(([column]) => [column, (queue: QueueState) => queue[column]])),
  });
  protected readonly queues = signal<readonly QueueState[] | null>(null);
  protected readonly rows = computed(() => this.sorting.sorted(this.queues() ?? []));

  /** Said aloud whenever it changes, which the other counts do too often for. */
  protected readonly summary = computed(() => {
    const queues = this.queues();
    if (!queues) return '';
    const ill = queues.filter(({ dead }) => dead);
    if (!ill.length) return 'No dead letters.';
    const dead = ill.reduce((sum, queue) => sum + queue.dead, 0);
    return `${counted(dead, 'dead letter')} in ${counted(ill.length, 'queue')}.`;
  });

  constructor() {
    this.poller.start(() => this.look());
  }

  private async look(): Promise<Seen> {
    const before = JSON.stringify(this.queues());
    const { items } = await this.api.invoke(listQueues);
    this.queues.set(items);
    return JSON.stringify(items) === before ? 'nothing' : 'news';
  }
}

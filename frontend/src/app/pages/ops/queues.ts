import { Component, computed, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listQueues } from '../../api/fn/operations/list-queues';
import { QueueState } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { Icon } from '../../ui/icon';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { titleOf } from './words';

/** How all queues fare, and go on faring while somebody looks. */
@Component({
  selector: 'shop-queues',
  imports: [Heading, Icon, Problem, RouterLink, Skeleton],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Queues</h1>
    <p class="office-lead" role="status">{{ summary() }}</p>
    @if (poller.problem(); as problem) {
      <shop-problem [error]="problem" (retry)="poller.hurry()" />
    }
    <div role="status">
      @if (poller.unreachable()) {
        <div class="notice notice-caution">
          <shop-icon name="alert" />
          <p>The shop cannot be reached just now, so these counts may be behind. We keep trying.</p>
          <button type="button" class="button button-quiet" (click)="poller.hurry()">Try now</button>
        </div>
      }
    </div>
    @if (queues(); as queues) {
      <ul class="console-list">
        @for (queue of queues; track queue.deadLetterQueue) {
          <li class="panel console-queue" [class.console-queue-bad]="queue.dead">
            <h2>
              <a class="order-link" [routerLink]="['/ops/queues', queue.deadLetterQueue]">{{
                title(queue.deadLetterQueue)
              }}</a>
            </h2>
            <span class="tag" [class.tag-bad]="queue.dead" [class.tag-good]="!queue.dead">{{ dead(queue) }}</span>
            @if (queue.queue) {
              <dl class="console-counts">
                <div>
                  <dt>Waiting</dt>
                  <dd>{{ queue.waiting }}</dd>
                </div>
                <div>
                  <dt>In flight</dt>
                  <dd>{{ queue.inFlight }}</dd>
                </div>
                <div>
                  <dt>Delayed</dt>
                  <dd>{{ queue.delayed }}</dd>
                </div>
                <div>
                  <dt>Failing</dt>
                  <dd>{{ queue.failing }}</dd>
                </div>
              </dl>
            } @else {
              <p class="hint">Holds only what could not be delivered.</p>
            }
          </li>
        }
      </ul>
    } @else if (!poller.problem()) {
      <div class="console-list" aria-busy="true">
        @for (_ of placeholders; track $index) {
          <shop-skeleton height="8.5rem" />
        }
      </div>
    }
  `,
})
export default class QueuesPage {
  private readonly api = inject(Api);
  protected readonly poller = inject(Poller);

  protected readonly title = titleOf;
  protected readonly placeholders = Array(10).fill(null);
  protected readonly queues = signal<readonly QueueState[] | null>(null);

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

  protected dead(queue: QueueState): string {
    return queue.dead ? counted(queue.dead, 'dead letter') : 'No dead letters';
  }

  private async look(): Promise<Seen> {
    const before = JSON.stringify(this.queues());
    const { items } = await this.api.invoke(listQueues);
    this.queues.set(items);
    return JSON.stringify(items) === before ? 'nothing' : 'news';
  }
}

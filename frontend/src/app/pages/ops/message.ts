import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { getDeadLetter } from '../../api/fn/operations/get-dead-letter';
import { DeadLetterView } from '../../api/models';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { Live } from '../../office/live';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { Icon } from '../../ui/icon';
import { Skeleton } from '../../ui/skeleton';
import { MoneyPipe } from '../../ui/money.pipe';
import { WhenPipe } from '../../ui/when.pipe';
import { Act } from './act';
import { Records } from './records';
import { STATES, pretty, titleOf } from './words';

/** One dead letter: its body, why it failed, its replays, and what has become of it. */
@Component({
  selector: 'shop-message',
  imports: [Act, FromNowPipe, Heading, Icon, Live, MoneyPipe, Records, RouterLink, Skeleton, WhenPipe],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <header class="order-head">
      <a class="back" [routerLink]="['/ops/queues', queue()]"><shop-icon name="chevron" />{{ title() }}</a>
      <h1 shopHeading>Dead letter</h1>
      <p class="order-number">{{ messageId() }}</p>
    </header>
    @if (gone()) {
      <div class="blank">
        <p>There is no such message here. The record shows what was replayed and dropped in the last 400 days.</p>
        <div class="actions">
          <a class="button" routerLink="/ops/replays">See the record</a>
        </div>
      </div>
    } @else {
      <shop-live [poller]="poller" />
    }
    @if (found(); as found) {
      <section class="panel stack" aria-labelledby="cause">
        <p>
          <span [class]="'tag ' + state(found).tag">{{ state(found).label }}</span>
          <span class="hint">
            {{ found.since | fromNow }},
            <time [attr.datetime]="found.since">{{ found.since | when }}</time>
          </span>
        </p>
        <h2 id="cause">{{ found.cause.exception }}</h2>
        @if (found.cause.message; as message) {
          <p>{{ message }}</p>
        }
        @if (found.invalid && found.invalid !== found.cause.message) {
          <p>It is no event of the shop: {{ found.invalid }}</p>
        }
        <dl class="facts">
          @if (found.cause.where; as where) {
            <div>
              <dt>Where</dt>
              <dd>
                <code>{{ where }}</code>
              </dd>
            </div>
          }
          @if (found.cause.function; as name) {
            <div>
              <dt>Function</dt>
              <dd>
                <code>{{ name }}</code>
              </dd>
            </div>
          }
          @if (found.cause.requestId; as request) {
            <div>
              <dt>Request id in its logs</dt>
              <dd>
                <code>{{ request }}</code>
              </dd>
            </div>
          }
          @if (found.cause.version; as version) {
            <div>
              <dt>Version of the function</dt>
              <dd>{{ version }}</dd>
            </div>
          }
          <div>
            <dt>Fingerprint</dt>
            <dd>
              <code>{{ found.cause.fingerprint }}</code>
            </dd>
          </div>
          @if (found.cause.attempt; as attempt) {
            <div>
              <dt>Attempts</dt>
              <dd>{{ attempt }}</dd>
            </div>
          }
          <div>
            <dt>First failed</dt>
            <dd>
              <time [attr.datetime]="found.firstFailedAt">{{ found.firstFailedAt | when }}</time>
            </dd>
          </div>
          <div>
            <dt>Last failed</dt>
            <dd>
              <time [attr.datetime]="found.lastFailedAt">{{ found.lastFailedAt | when }}</time>
            </dd>
          </div>
          @if (found.foundIn !== found.queue) {
            <div>
              <dt>Found in</dt>
              <dd>{{ found.foundIn }}</dd>
            </div>
          }
          <div>
            <dt>Log</dt>
            <dd>
              @if (found.leads.log; as log) {
                <a [href]="log" target="_blank" rel="noopener">CloudWatch Logs Insights</a>
              }
              <code>{{ found.leads.command }}</code>
            </dd>
          </div>
          <div>
            <dt>What to do</dt>
            <dd>
              @if (isAddress(found.leads.runbook)) {
                <a [href]="found.leads.runbook" target="_blank" rel="noopener">The runbook</a>
              } @else {
                <code>{{ found.leads.runbook }}</code>
              }
            </dd>
          </div>
          @if (found.orderId; as order) {
            <div>
              <dt>Order</dt>
              <dd>
                <a class="order-number" [routerLink]="['/ops/orders', order]">{{ order }}</a>
                @if (found.atStake; as amount) {
                  <span class="hint">{{ amount | money }}</span>
                }
              </dd>
            </div>
          }
          @if (found.userId; as account) {
            <div>
              <dt>Account</dt>
              <dd>
                <a
                  class="order-number"
                  [routerLink]="['/ops/queues', queue()]"
                  [queryParams]="{ userId: account }"
                  title="The dead letters about this account's orders"
                  >{{ account }}</a
                >
              </dd>
            </div>
          }
        </dl>
      </section>
      <section class="stack">
        <h2>{{ found.eventName ?? 'No event' }}</h2>
        <pre class="console-code" tabindex="0" role="region" aria-label="Body">{{ pretty(found.body) }}</pre>
        @if (attributes().length) {
          <h3>Attributes</h3>
          <dl class="facts">
            @for (attribute of attributes(); track attribute[0]) {
              <div>
                <dt>{{ attribute[0] }}</dt>
                <dd>{{ attribute[1] }}</dd>
              </div>
            }
          </dl>
        }
      </section>
      @if (found.state === 'DEAD') {
        <shop-act [selection]="selection()" [count]="1" />
      }
      <section class="stack" aria-labelledby="history">
        <h2 id="history">Replays of it</h2>
        @if (found.history.length) {
          <shop-records [records]="found.history" />
        } @else {
          <p class="office-lead">It was not replayed before.</p>
        }
      </section>
    } @else if (!poller.problem()) {
      <div class="stack" aria-busy="true"><shop-skeleton height="12rem" /><shop-skeleton height="18rem" /></div>
    }
  `,
})
export default class MessagePage {
  private readonly api = inject(Api);
  protected readonly poller = inject(Poller);

  readonly queue = input.required<string>();
  readonly messageId = input.required<string>();

  protected readonly pretty = pretty;
  protected readonly title = computed(() => titleOf(this.queue()));
  protected readonly selection = computed(() => ({
    queue: this.queue(),
    messageIds: [this.messageId()],
  }));

  protected readonly found = signal<DeadLetterView | null>(null);
  protected readonly gone = computed(() => this.poller.problem()?.status === 404);
  protected readonly attributes = computed(() => Object.entries(this.found()?.attributes ?? {}));

  constructor() {
    effect(() => {
      const of = { queue: this.queue(), messageId: this.messageId() };
      untracked(() => {
        this.found.set(null);
        this.poller.start(() => this.look(of));
      });
    });
  }

  /** Somebody may replay it meanwhile, and its consumer may have done it. */
  private async look(of: { readonly queue: string; readonly messageId: string }): Promise<Seen> {
    const found = await this.api.invoke(getDeadLetter, of);
    if (of.messageId !== this.messageId() || of.queue !== this.queue()) return 'nothing';
    const same = JSON.stringify(found) === JSON.stringify(this.found());
    if (!same) this.found.set(found);
    return same ? 'later' : 'news';
  }

  protected isAddress(text: string): boolean {
    return /^https?:/.test(text);
  }

  protected state({ state }: DeadLetterView): { readonly label: string; readonly tag: string } {
    return STATES[state];
  }
}

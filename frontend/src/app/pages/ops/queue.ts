import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listDeadLetters } from '../../api/fn/operations/list-dead-letters';
import { CauseGroup, DeadLetter } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { Titles } from '../../core/titles';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { Icon } from '../../ui/icon';
import { Skeleton } from '../../ui/skeleton';
import { MoneyPipe } from '../../ui/money.pipe';
import { WhenPipe } from '../../ui/when.pipe';
import { Act } from './act';
import { conditionsOf, paramsOf, queryOf, toField } from './conditions';
import { Equal, equalOnes } from './equal';
import { barsOf, eventsOf, titleOf } from './words';

const PAGE = 100;

/** A queue's dead letters by their causes, narrowed down by conditions in the address. */
@Component({
  selector: 'shop-queue',
  imports: [Act, FromNowPipe, Heading, Icon, Live, MoneyPipe, More, RouterLink, Rows, Skeleton, SortHeading, WhenPipe],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <header class="order-head">
      <a class="back" routerLink="/ops"><shop-icon name="chevron" />Queues</a>
      <h1 shopHeading>{{ heading() }}</h1>
    </header>
    <form
      class="console-filters"
      role="search"
      aria-label="Filter the dead letters"
      (submit)="filter($event, form)"
      #form
    >
      <label class="filter"
        >Order<input class="console-input" name="orderId" maxlength="64" [value]="conditions().orderId"
      /></label>
      <label class="filter"
        >Account<input class="console-input" name="userId" maxlength="128" [value]="conditions().userId"
      /></label>
      <label class="filter"
        >Event<input class="console-input" name="eventName" maxlength="64" [value]="conditions().eventName"
      /></label>
      <label class="filter"
        >Cause, or a part of it<input class="console-input" name="cause" maxlength="200" [value]="conditions().cause"
      /></label>
      <label class="filter"
        >Died since<input
          class="console-input"
          name="since"
          type="datetime-local"
          [value]="toField(conditions().since)"
      /></label>
      <label class="filter"
        >Died until<input
          class="console-input"
          name="until"
          type="datetime-local"
          [value]="toField(conditions().until)"
      /></label>
      <div class="actions">
        <button type="submit" class="button button-quiet">Filter</button>
        @if (narrowed()) {
          <a class="button button-quiet" [routerLink]="[]" (click)="summaryLine.focus()">Show all</a>
        }
        <button type="button" class="button button-quiet" (click)="poller.hurry()">Look again</button>
      </div>
    </form>
    <p class="listing-count" role="status" tabindex="-1" #summaryLine>{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (list.items()) {
      @if (count()) {
        <section class="stack">
          <h2>Causes</h2>
          <div class="data-frame" tabindex="0" role="region" aria-label="Causes">
            <table class="data" shopRows>
              <caption>
                Causes
              </caption>
              <thead>
                <tr>
                  <th shopSort="count" [sorting]="sortingOfCauses" class="number">Messages</th>
                  <th shopSort="cause" [sorting]="sortingOfCauses">Cause</th>
                  <th shopSort="orders" [sorting]="sortingOfCauses" class="number">Orders</th>
                  <th shopSort="customers" [sorting]="sortingOfCauses" class="number">Customers</th>
                  <th scope="col" class="number">At stake</th>
                  <th shopSort="hour" [sorting]="sortingOfCauses" class="number">Last hour</th>
                  <th shopSort="oldest" [sorting]="sortingOfCauses">Oldest</th>
                  <th shopSort="latest" [sorting]="sortingOfCauses">Latest</th>
                  <th scope="col">Version</th>
                </tr>
              </thead>
              <tbody>
                @for (group of groups(); track group.cause) {
                  <tr>
                    <td class="number">{{ group.count }}</td>
                    <th scope="row" class="wide">
                      @if (causes().length > 1) {
                        <a
                          data-lead
                          [routerLink]="[]"
                          [queryParams]="only(group.fingerprint)"
                          (click)="summaryLine.focus()"
                          ><span class="visually-hidden">Only these of </span>{{ group.cause }}</a
                        >
                      } @else {
                        {{ group.cause }}
                      }
                      <span class="hint">{{ group.example }}</span>
                      <span class="hint">{{ events(group) }}</span>
                    </th>
                    <td class="number">{{ group.orders }}</td>
                    <td class="number">{{ group.customers }}</td>
                    <td class="number">
                      @for (amount of group.atStake; track amount.currency) {
                        <div>{{ amount | money }}</div>
                      }
                    </td>
                    <td class="number">
                      {{ group.trend.at(-1) }}
                      <span class="hint trend" aria-hidden="true" title="Each of the last 12 hours">{{
                        bars(group.trend.slice(-12))
                      }}</span>
                    </td>
                    <td>
                      <time [attr.datetime]="group.oldest">{{ group.oldest | fromNow }}</time>
                    </td>
                    <td>
                      <time [attr.datetime]="group.latest">{{ group.latest | fromNow }}</time>
                    </td>
                    <td>{{ group.versions.join(', ') }}</td>
                  </tr>
                }
              </tbody>
            </table>
          </div>
        </section>
        <shop-act [selection]="selection()" [count]="count()" />
        <section class="stack">
          <h2>Messages, the oldest first</h2>
          <div class="data-frame" tabindex="0" role="region" aria-label="Messages">
            <table class="data" shopRows>
              <caption>
                Messages; equal ones are one row
              </caption>
              <thead>
                <tr>
                  <th shopSort="count" [sorting]="sorting" class="number">Messages</th>
                  <th shopSort="event" [sorting]="sorting">Event</th>
                  <th shopSort="order" [sorting]="sorting">Order</th>
                  <th shopSort="cause" [sorting]="sorting">Cause</th>
                  <th shopSort="since" [sorting]="sorting">Died</th>
                  <th shopSort="replays" [sorting]="sorting" class="number">Replays</th>
                </tr>
              </thead>
              <tbody>
                @for (row of rows(); track row.first.messageId) {
                  <tr>
                    <td class="number">
                      @if (row.all.length > 1) {
                        <button
                          type="button"
                          class="link"
                          [attr.aria-expanded]="opened().has(row.first.messageId)"
                          (click)="toggle(row.first.messageId)"
                        >
                          {{ row.all.length }}<span class="visually-hidden"> equal ones: show each</span>
                        </button>
                      } @else {
                        1
                      }
                    </td>
                    <th scope="row">
                      <a data-lead [routerLink]="['/ops/queues', queue(), row.first.messageId]">{{
                        row.first.eventName ?? 'No event'
                      }}</a>
                      @if (opened().has(row.first.messageId)) {
                        @for (each of row.all.slice(1); track each.messageId) {
                          <a class="hint" [routerLink]="['/ops/queues', queue(), each.messageId]"
                            >{{ each.since | when: 'second' }}, {{ each.messageId }}</a
                          >
                        }
                      }
                    </th>
                    <td>
                      @if (row.first.orderId; as order) {
                        <a class="order-number" [routerLink]="['/ops/orders', order]">{{ order }}</a>
                      } @else {
                        <span class="order-number">{{ row.first.messageId }}</span>
                      }
                    </td>
                    <td class="wide">{{ row.first.cause.exception }}</td>
                    <td>
                      <time [attr.datetime]="row.first.since" [title]="row.first.since | when">{{
                        row.first.since | fromNow
                      }}</time>
                    </td>
                    <td class="number">{{ row.first.replays.length }}</td>
                  </tr>
                }
              </tbody>
            </table>
          </div>
          <shop-more [of]="list" />
        </section>
      } @else {
        <div class="blank">
          <p>{{ narrowed() ? 'No dead letter fulfils these conditions.' : 'There is no dead letter here.' }}</p>
        </div>
      }
    } @else if (!poller.problem()) {
      <div class="stack" aria-busy="true"><shop-skeleton height="6rem" /><shop-skeleton height="14rem" /></div>
    }
  `,
})
export default class QueuePage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  protected readonly poller = inject(Poller);

  // From the address.
  readonly queue = input.required<string>();
  readonly orderId = input<string>();
  readonly userId = input<string>();
  readonly eventName = input<string>();
  readonly cause = input<string>();
  readonly since = input<string>();
  readonly until = input<string>();

  protected readonly events = eventsOf;
  protected readonly bars = barsOf;
  protected readonly toField = toField;

  protected readonly conditions = computed(() =>
    conditionsOf({
      orderId: this.orderId(),
      userId: this.userId(),
      eventName: this.eventName(),
      cause: this.cause(),
      since: this.since(),
      until: this.until(),
    }),
  );
  protected readonly narrowed = computed(() => Object.keys(paramsOf(this.conditions())).length > 0);
  /** The API says so if there is no such queue. */
  protected readonly selection = computed(() => ({ queue: this.queue(), ...paramsOf(this.conditions()) }));
  protected readonly heading = computed(() => `Dead letters: ${titleOf(this.queue())}`);

  protected readonly causes = signal<readonly CauseGroup[]>([]);
  protected readonly count = signal(0);
  protected readonly list = new Paged<DeadLetter>(
    async (cursor) => {
      const part = await this.api.invoke(listDeadLetters, {
        ...this.selection(),
        limit: PAGE,
        ...(cursor && { cursor }),
      });
      this.causes.set(part.causes);
      this.count.set(part.count);
      return part;
    },
    ({ messageId }) => messageId,
  );
  protected readonly sortingOfCauses = new Sorting<CauseGroup>({
    count: ({ count }) => count,
    cause: ({ cause }) => cause,
    orders: ({ orders }) => orders,
    customers: ({ customers }) => customers,
    hour: ({ trend }) => trend.at(-1) ?? 0,
    oldest: ({ oldest }) => oldest,
    latest: ({ latest }) => latest,
  });
  protected readonly groups = computed(() => this.sortingOfCauses.sorted(this.causes()));
  protected readonly sorting = new Sorting<Equal<DeadLetter>>({
    count: ({ all }) => all.length,
    event: ({ first }) => first.eventName,
    order: ({ first }) => first.orderId,
    cause: ({ first }) => first.cause.exception,
    since: ({ first }) => first.since,
    replays: ({ first }) => first.replays.length,
  });
  protected readonly rows = computed(() =>
    this.sorting.sorted(
      equalOnes(this.list.items() ?? [], ({ eventName, orderId, messageId, cause }) => [
        ...[eventName, orderId ?? messageId, cause.fingerprint],
      ]),
    ),
  );
  /** By the id of their first message, rows of which each message shows. */
  protected readonly opened = signal<ReadonlySet<string>>(new Set());
  protected readonly summary = computed(() => {
    if (!this.list.items()) return '';
    return `${counted(this.count(), 'dead letter')}${this.narrowed() ? ' as filtered' : ''}, ${counted(this.causes().length, 'cause')}`;
  });

  constructor() {
    const titles = inject(Titles);
    effect(() => titles.set(this.heading()));
    effect(() => {
      this.selection();
      untracked(() => {
        this.list.clear();
        this.poller.start(() => this.list.look());
      });
    });
  }

  protected only(cause: string): Record<string, string | null> {
    return queryOf({ ...this.conditions(), cause });
  }

  protected filter(event: Event, form: HTMLFormElement): void {
    event.preventDefault();
    const said = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value as string]));
    void this.router.navigate([], { queryParams: queryOf(conditionsOf(said)) });
  }

  protected toggle(messageId: string): void {
    this.opened.update((opened) => {
      const changed = new Set(opened);
      if (!changed.delete(messageId)) changed.add(messageId);
      return changed;
    });
  }
}

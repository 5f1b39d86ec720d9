import { Component, ElementRef, computed, effect, inject, input, viewChild } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listDeadLetters } from '../../api/fn/operations/list-dead-letters';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { resource } from '../../core/recovery';
import { Submission } from '../../core/submission';
import { Titles } from '../../core/titles';
import { FromNowPipe } from '../../ui/from-now.pipe';
import { Icon } from '../../ui/icon';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import { Act } from './act';
import { conditionsOf, paramsOf, queryOf, toField } from './conditions';
import { eventsOf, extentOf, titleOf } from './words';

const PAGE = 50;

/** A queue's dead letters by their causes, narrowed down by conditions in the address. */
@Component({
  selector: 'shop-queue',
  imports: [Act, FromNowPipe, Heading, Icon, Problem, RouterLink, Skeleton, WhenPipe],
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
        >Event<input class="console-input" name="eventName" maxlength="64" [value]="conditions().eventName"
      /></label>
      <label class="filter"
        >Part of the cause<input class="console-input" name="cause" maxlength="200" [value]="conditions().cause"
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
        <button type="button" class="button button-quiet" (click)="page.reload()">Look again</button>
      </div>
    </form>
    <p class="listing-count" role="status" tabindex="-1" #summaryLine>{{ summary() }}</p>
    @if (page.error(); as error) {
      <shop-problem [error]="error" (retry)="page.reload()" />
    } @else if (found(); as found) {
      @if (found.count) {
        <section class="stack" aria-labelledby="causes">
          <h2 id="causes">Causes</h2>
          <ul class="console-rows">
            @for (group of found.causes; track group.cause) {
              <li class="panel console-row">
                <div>
                  <h3>{{ group.cause }}</h3>
                  @if (group.example) {
                    <p>{{ group.example }}</p>
                  }
                  <p class="hint">{{ events(group) }} · {{ extent(group) }}</p>
                  <p class="hint">the oldest {{ group.oldest | fromNow }}, the latest {{ group.latest | fromNow }}</p>
                </div>
                @if (found.causes.length > 1) {
                  <a
                    class="button button-quiet"
                    [routerLink]="[]"
                    [queryParams]="only(group.cause)"
                    (click)="summaryLine.focus()"
                    >Only these<span class="visually-hidden"> of {{ group.cause }}</span></a
                  >
                }
              </li>
            }
          </ul>
        </section>
        <shop-act [selection]="selection()" [count]="found.count" />
        <section class="stack" aria-labelledby="messages">
          <h2 id="messages">Messages, the oldest first</h2>
          <ul class="console-rows" #list>
            @for (letter of found.items; track letter.messageId) {
              <li class="panel console-row console-link">
                <div>
                  <h3>
                    <a class="order-link" [routerLink]="['/ops/queues', queue(), letter.messageId]">{{
                      letter.eventName ?? 'No event'
                    }}</a>
                  </h3>
                  <p class="order-number">{{ letter.orderId ?? letter.messageId }}</p>
                  <p class="hint">
                    {{ letter.cause.exception }} ·
                    <time [attr.datetime]="letter.since">{{ letter.since | when }}</time>
                    @if (letter.replays.length) {
                      · replayed before
                    }
                  </p>
                </div>
                <p class="hint">{{ letter.since | fromNow }}</p>
              </li>
            }
          </ul>
          @if (found.nextCursor) {
            <button
              type="button"
              class="button button-quiet order-older"
              [attr.aria-busy]="older.pending()"
              (click)="more(found.nextCursor)"
            >
              {{ older.pending() ? 'One moment …' : 'Show more' }}
            </button>
          }
          @if (older.problem(); as problem) {
            <shop-problem [error]="problem" (retry)="more(found.nextCursor)" />
          }
        </section>
      } @else {
        <div class="blank">
          <p>{{ narrowed() ? 'No dead letter fulfils these conditions.' : 'There is no dead letter here.' }}</p>
        </div>
      }
    } @else {
      <div class="stack" aria-busy="true"><shop-skeleton height="6rem" /><shop-skeleton height="14rem" /></div>
    }
  `,
})
export default class QueuePage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  private readonly list = viewChild<ElementRef<HTMLElement>>('list');

  // From the address.
  readonly queue = input.required<string>();
  readonly orderId = input<string>();
  readonly eventName = input<string>();
  readonly cause = input<string>();
  readonly since = input<string>();
  readonly until = input<string>();

  protected readonly events = eventsOf;
  protected readonly extent = extentOf;
  protected readonly toField = toField;
  protected readonly older = new Submission();

  protected readonly conditions = computed(() =>
    conditionsOf({
      orderId: this.orderId(),
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

  protected readonly page = resource({
    params: () => this.selection(),
    loader: ({ params }) => this.api.invoke(listDeadLetters, { ...params, limit: PAGE }),
  });
  protected readonly found = computed(() => (this.page.hasValue() ? this.page.value() : null));
  protected readonly summary = computed(() => {
    const found = this.found();
    if (!found || this.page.isLoading()) return '';
    return `${counted(found.count, 'dead letter')}${this.narrowed() ? ' as filtered' : ''}, ${counted(found.causes.length, 'cause')}`;
  });

  constructor() {
    const titles = inject(Titles);
    effect(() => titles.set(this.heading()));
  }

  protected only(cause: string): Record<string, string | null> {
    return queryOf({ ...this.conditions(), cause: cause.slice(0, 200) });
  }

  protected filter(event: Event, form: HTMLFormElement): void {
    event.preventDefault();
    const said = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value as string]));
    void this.router.navigate([], { queryParams: queryOf(conditionsOf(said)) });
  }

  /** The focus goes on with the first new message, or it would be lost with the button of the last page. */
  protected async more(cursor: string | null): Promise<void> {
    if (!cursor) return;
    const shown = this.found()?.items.length ?? 0;
    const selection = this.selection();
    await this.older.run(async () => {
      const next = await this.api.invoke(listDeadLetters, { ...selection, limit: PAGE, cursor });
      // Other conditions were chosen in the meantime.
      if (selection !== this.selection()) return;
      this.page.update((page) => page && { ...next, items: [...page.items, ...next.items] });
    });
    setTimeout(() => this.list()?.nativeElement.querySelectorAll<HTMLElement>('.order-link')[shown]?.focus());
  }
}

import { Component, computed, effect, inject, input, linkedSignal, signal, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { traceOrder } from '../../api/fn/operations/trace-order';
import { EntryKind, Trace, TraceEntry } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { Live } from '../../office/live';
import { Field } from '../../ui/field';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import { Waiting } from './waiting';

const TAGS: Readonly<Record<EntryKind, { readonly label: string; readonly tag: string }>> = {
  STATE: { label: 'State', tag: 'tag-good' },
  EVENT: { label: 'Event', tag: '' },
  FAILURE: { label: 'Failure', tag: 'tag-bad' },
  MAIL: { label: 'Mail', tag: '' },
  PAYMENT: { label: 'Payment', tag: '' },
  REPLAY: { label: 'Replay', tag: 'tag-caution' },
};

/** All that is known of an order, from all services, in the order in which it happened. */
@Component({
  selector: 'shop-trace',
  imports: [Field, Heading, Live, RouterLink, Skeleton, Waiting, WhenPipe],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Time-line of an order</h1>
    <form class="console-search" role="search" aria-label="Find an order" (submit)="$event.preventDefault(); find()">
      <shop-field label="Order number" name="orderId" [maxlength]="64" [optional]="true" [(value)]="wanted" />
      <button type="submit" class="button">Show</button>
    </form>
    <p class="listing-count" role="status">{{ summary() }}</p>
    @if (missing()) {
      <div class="blank"><p>No service knows an order of this number.</p></div>
    } @else {
      <shop-live [poller]="poller" />
    }
    @if (found(); as found) {
      <dl class="facts">
        @for (each of statuses(); track each.name) {
          <div>
            <dt>{{ each.name }}</dt>
            <dd>{{ each.status }}</dd>
          </div>
        }
      </dl>
      @if (found.stuck; as stuck) {
        <section class="panel" aria-label="What it waits for">
          <shop-waiting [stuck]="stuck" (moved)="poller.hurry()" />
        </section>
      }
      <ol class="console-rows console-line">
        @for (entry of found.entries; track $index) {
          <li class="console-entry">
            <p class="console-moment">
              @if (entry.at; as at) {
                <time [attr.datetime]="at"
                  >{{ at | when: 'day' }}, <strong>{{ at | when: 'second' }}</strong></time
                >
              } @else {
                At an unknown time
              }
            </p>
            <div>
              <h2>
                <span [class]="'tag ' + tags[entry.kind].tag">{{ tags[entry.kind].label }}</span>
                {{ entry.service }}: {{ entry.what }}
              </h2>
              @if (entry.detail) {
                <p>{{ entry.detail }}</p>
              }
              @if (cause(entry); as cause) {
                <p class="hint order-number">because of {{ cause }}</p>
              }
            </div>
          </li>
        }
      </ol>
    } @else if (orderId()) {
      @if (!poller.problem()) {
        <div class="stack" aria-busy="true"><shop-skeleton height="4rem" /><shop-skeleton height="20rem" /></div>
      }
    } @else {
      <div class="blank">
        <p>Enter an order's number, or choose a stuck one.</p>
        <a class="button button-quiet" routerLink="/ops/stuck">See stuck orders</a>
      </div>
    }
  `,
})
export default class TracePage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  protected readonly poller = inject(Poller);

  readonly orderId = input<string>();

  protected readonly tags = TAGS;
  protected readonly wanted = linkedSignal(() => this.orderId() ?? '');

  protected readonly found = signal<Trace | null>(null);
  /** Of the order, its reservation, its payment and so on. */
  protected readonly statuses = computed(() =>
    Object.entries(this.found()?.statuses ?? {}).map(([name, status]) => ({
      name: name.charAt(0).toUpperCase() + name.slice(1),
      status,
    })),
  );
  protected readonly missing = computed(() => this.poller.problem()?.status === 404);
  protected readonly summary = computed(() => {
    const found = this.found();
    return found ? `${counted(found.entries.length, 'step')} of ${found.orderId}` : '';
  });
  private readonly named = computed(
    () =>
      new Map(
        (this.found()?.entries ?? [])
          .filter(({ kind }) => kind === 'EVENT')
          .map(({ eventId, what }) => [eventId, what.replace(/^publishes /, '')]),
      ),
  );

  constructor() {
    effect(() => {
      const orderId = this.orderId();
      untracked(() => {
        this.found.set(null);
        if (orderId) this.poller.start(() => this.look(orderId));
        else this.poller.stop();
      });
    });
  }

  private async look(orderId: string): Promise<Seen> {
    const found = await this.api.invoke(traceOrder, { orderId });
    if (orderId !== this.orderId()) return 'nothing';
    const same = JSON.stringify(found) === JSON.stringify(this.found());
    if (!same) this.found.set(found);
    return same ? 'later' : 'news';
  }

  /** What led to an entry: by its name where it is on the line itself, else by its id. */
  protected cause({ causedBy }: TraceEntry): string | null {
    return causedBy && (this.named().get(causedBy) ?? causedBy);
  }

  protected find(): void {
    const orderId = this.wanted().trim();
    if (orderId) void this.router.navigate(['/ops/orders', orderId]);
  }
}

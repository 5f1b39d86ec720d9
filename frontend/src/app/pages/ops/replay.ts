import { Component, ElementRef, computed, effect, inject, input, untracked, viewChild } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { Submission } from '../../core/submission';
import { Titles } from '../../core/titles';
import { Rows } from '../../office/rows';
import { Icon } from '../../ui/icon';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import NotFoundPage from '../not-found';
import { Act } from './act';
import { equalOnes } from './equal';
import { ReplayFollower } from './replay-follower';
import { ACTIONS, OUTCOMES, STATES, doneOf, hasEnded, stateOf, titleOf } from './words';

/** A replay, a drop, a dry run or a nudge: how far it is, and what became of each message. */
@Component({
  selector: 'shop-replay',
  imports: [Act, Heading, Icon, NotFoundPage, Problem, RouterLink, Rows, Skeleton, WhenPipe],
  providers: [ReplayFollower, Poller],
  host: { class: 'stack' },
  template: `
    @if (poller.problem()?.status === 404) {
      <shop-not-found />
    } @else {
      <header class="order-head">
        @if (follower.replay()?.selection; as selection) {
          <a class="back" [routerLink]="['/ops/queues', selection.queue]"
            ><shop-icon name="chevron" />{{ queueTitle(selection.queue) }}</a
          >
        } @else {
          <a class="back" routerLink="/ops/replays"><shop-icon name="chevron" />Record</a>
        }
        <h1 shopHeading #heading>{{ title() }}</h1>
        <p class="order-number">{{ follower.replay()?.target }}</p>
      </header>
      @if (poller.problem(); as problem) {
        <shop-problem [error]="problem" (retry)="poller.hurry()" />
      }
      <div role="status">
        @if (poller.unreachable()) {
          <div class="notice notice-caution">
            <shop-icon name="alert" />
            <p>The shop cannot be reached just now. It goes on there all the same, and we keep looking.</p>
            <button type="button" class="button button-quiet" (click)="poller.hurry()">Look now</button>
          </div>
        }
      </div>
      @if (follower.replay(); as replay) {
        <section class="panel stack" aria-label="Progress">
          <p role="status">
            <strong>{{ state() }}</strong>
          </p>
          @if (!ended()) {
            <!-- eslint-disable-next-line @angular-eslint/template/label-has-associated-control -->
            <label class="console-progress"
              >{{ done() }} of {{ replay.planned ?? 'as yet unknown' }}
              @if (replay.planned) {
                <progress [max]="replay.planned" [value]="done()"></progress>
              } @else {
                <progress></progress>
              }
            </label>
          }
          <p class="hint">
            {{ replay.by }} · <time [attr.datetime]="replay.at">{{ replay.at | when }}</time> · “{{ replay.reason }}”
          </p>
        </section>
        @if (follower.messages().length) {
          <section class="stack" aria-labelledby="messages">
            <h2 id="messages">Messages</h2>
            <div class="data-frame" tabindex="0" role="region" aria-label="Messages of it">
              <table class="data" shopRows>
                <caption>
                  Messages; equal ones are one row
                </caption>
                <thead>
                  <tr>
                    <th scope="col" class="number">Messages</th>
                    <th scope="col">Event</th>
                    <th scope="col">About</th>
                    <th scope="col">Became</th>
                    <th scope="col">Because</th>
                  </tr>
                </thead>
                <tbody>
                  @for (row of rows(); track row.first.messageId) {
                    <tr>
                      <td class="number">{{ row.all.length }}</td>
                      <th scope="row">{{ row.first.eventName ?? 'No event' }}</th>
                      <td>
                        @if (row.first.orderId; as order) {
                          <a class="order-number" [routerLink]="['/ops/orders', order]">{{ order }}</a>
                        } @else {
                          <span class="order-number">{{ row.first.messageId }}</span>
                        }
                      </td>
                      <td>
                        @if (row.first.state; as state) {
                          <span [class]="'tag ' + states[state].tag">{{ states[state].label }}</span>
                        } @else {
                          <span [class]="'tag ' + outcomes[row.first.outcome].tag">{{
                            outcomes[row.first.outcome].label
                          }}</span>
                        }
                      </td>
                      <td class="wide">{{ row.first.text }}</td>
                    </tr>
                  }
                </tbody>
              </table>
            </div>
            @if (follower.nextCursor()) {
              <button
                type="button"
                class="button button-quiet order-older"
                [attr.aria-busy]="older.pending()"
                (click)="more()"
              >
                {{ older.pending() ? 'One moment …' : 'Show more' }}
              </button>
            }
            @if (older.problem(); as problem) {
              <shop-problem [error]="problem" (retry)="more()" />
            }
          </section>
        }
        @if (ended() && replay.action === 'DRY_RUN' && replay.selection && done()) {
          <shop-act
            [selection]="replay.selection"
            [count]="done()"
            [tried]="true"
            [would]="would()"
            [because]="replay.reason"
          />
        }
      } @else if (!poller.problem()) {
        <div class="stack" aria-busy="true"><shop-skeleton height="8rem" /><shop-skeleton height="14rem" /></div>
      }
    }
  `,
})
export default class ReplayPage {
  readonly replayId = input.required<string>();

  protected readonly follower = inject(ReplayFollower);
  protected readonly poller = inject(Poller);
  protected readonly older = new Submission();
  private readonly heading = viewChild<ElementRef<HTMLElement>>('heading');
  protected readonly outcomes = OUTCOMES;
  protected readonly states = STATES;
  protected readonly queueTitle = titleOf;

  protected readonly title = computed(() => {
    const replay = this.follower.replay();
    return replay ? ACTIONS[replay.action] : 'Record';
  });
  protected readonly ended = computed(() => {
    const replay = this.follower.replay();
    return replay !== null && hasEnded(replay);
  });
  protected readonly done = computed(() => {
    const replay = this.follower.replay();
    return replay ? doneOf(replay) : 0;
  });
  /** By the dry run, how many would not fail again. */
  protected readonly would = computed(() => {
    const outcomes = this.follower.replay()?.outcomes ?? {};
    return (outcomes['WOULD_ACT'] ?? 0) + (outcomes['NOTHING_TO_DO'] ?? 0);
  });
  protected readonly rows = computed(() =>
    equalOnes(this.follower.messages(), ({ eventName, orderId, messageId, outcome, state, text }) => [
      ...[eventName, orderId ?? messageId, outcome, state, text],
    ]),
  );
  protected readonly state = computed(() => {
    const replay = this.follower.replay();
    return replay ? stateOf(replay) : '';
  });

  constructor() {
    const titles = inject(Titles);
    effect(() => titles.set(this.title()));
    let before: string | null = null;
    effect(() => {
      const replayId = this.replayId();
      untracked(() => {
        this.follower.follow(replayId);
        // From a dry run to what it led to the page stays, and the button that had the focus goes.
        if (before !== null) this.heading()?.nativeElement.focus();
        before = replayId;
      });
    });
  }

  protected async more(): Promise<void> {
    await this.older.run(() => this.follower.more());
  }
}

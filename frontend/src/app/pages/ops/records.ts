import { Component, computed, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Replay } from '../../api/models';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { WhenPipe } from '../../ui/when.pipe';
import { ACTIONS, hasEnded, outcomesOf } from './words';

/** What operators did: each entry leads to the whole of it. */
@Component({
  selector: 'shop-records',
  imports: [RouterLink, Rows, SortHeading, WhenPipe],
  template: `
    <div class="data-frame" tabindex="0" role="region" aria-label="Record">
      <table class="data" shopRows>
        <caption>
          What was done, the latest first
        </caption>
        <thead>
          <tr>
            <th shopSort="at" [sorting]="sorting">When</th>
            <th shopSort="action" [sorting]="sorting">What</th>
            <th shopSort="target" [sorting]="sorting">To what</th>
            <th scope="col">Outcome</th>
            <th scope="col">Why</th>
            <th shopSort="by" [sorting]="sorting">Who</th>
          </tr>
        </thead>
        <tbody>
          @for (record of rows(); track record.replayId) {
            <tr>
              <td>
                <time [attr.datetime]="record.at">{{ record.at | when: 'short' }}</time>
              </td>
              <th scope="row" class="whole">
                <a data-lead [routerLink]="['/ops/replays', record.replayId]"
                  >{{ actions[record.action]
                  }}<span class="visually-hidden"> of {{ record.target }}, {{ record.at | when }}</span></a
                >
              </th>
              <td class="wide">{{ record.target }}</td>
              <td>
                @if (!ended(record)) {
                  <span class="tag tag-caution">Going on</span>
                } @else if (record.state !== 'DONE') {
                  <span class="tag tag-caution">Interrupted</span>
                }
                {{ outcomes(record) }}
              </td>
              <td class="wide">{{ record.reason }}</td>
              <td class="mail">{{ record.by }}</td>
            </tr>
          }
        </tbody>
      </table>
    </div>
  `,
})
export class Records {
  readonly records = input.required<readonly Replay[]>();

  protected readonly actions = ACTIONS;
  protected readonly outcomes = outcomesOf;
  protected readonly ended = hasEnded;
  protected readonly sorting = new Sorting<Replay>({
    at: ({ at }) => at,
    action: ({ action }) => ACTIONS[action],
    target: ({ target }) => target,
    by: ({ by }) => by,
  });
  protected readonly rows = computed(() => this.sorting.sorted(this.records()));
}

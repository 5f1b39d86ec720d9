import { Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Replay } from '../../api/models';
import { WhenPipe } from '../../ui/when.pipe';
import { ACTIONS, outcomesOf } from './words';

/** What operators did: each entry leads to the whole of it. */
@Component({
  selector: 'shop-records',
  imports: [RouterLink, WhenPipe],
  template: `
    <ul class="console-rows">
      @for (record of records(); track record.replayId) {
        <li class="panel console-row console-link">
          <div>
            <p class="console-name">
              <a class="order-link" [routerLink]="['/ops/replays', record.replayId]"
                >{{ actions[record.action] }}: {{ record.target }}</a
              >
            </p>
            <p>{{ record.reason }}</p>
            <p class="hint">
              {{ record.by }} · <time [attr.datetime]="record.at">{{ record.at | when }}</time>
              @if (outcomes(record); as outcomes) {
                · {{ outcomes }}
              }
            </p>
          </div>
          @if (record.state !== 'DONE') {
            <span class="tag tag-caution">{{ record.state === 'INTERRUPTED' ? 'Interrupted' : 'Going on' }}</span>
          }
        </li>
      }
    </ul>
  `,
})
export class Records {
  readonly records = input.required<readonly Replay[]>();

  protected readonly actions = ACTIONS;
  protected readonly outcomes = outcomesOf;
}

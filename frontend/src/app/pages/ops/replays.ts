import { Component, inject } from '@angular/core';
import { Api } from '../../api/api';
import { listReplays } from '../../api/fn/operations/list-replays';
import { Heading } from '../../core/headings';
import { resource } from '../../core/recovery';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';
import { Records } from './records';

const LATEST = 50;

@Component({
  selector: 'shop-replays',
  imports: [Heading, Problem, Records, Skeleton],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Record</h1>
    <p class="office-lead">All dry runs, replays, drops and nudges, the latest first.</p>
    @if (replays.error(); as error) {
      <shop-problem [error]="error" (retry)="replays.reload()" />
    } @else if (replays.hasValue()) {
      @if (replays.value().items.length) {
        <shop-records [records]="replays.value().items" />
      } @else {
        <div class="blank"><p>Nothing was done yet.</p></div>
      }
    } @else {
      <div class="stack" aria-busy="true"><shop-skeleton height="6rem" /><shop-skeleton height="6rem" /></div>
    }
  `,
})
export default class ReplaysPage {
  private readonly api = inject(Api);

  protected readonly replays = resource({ loader: () => this.api.invoke(listReplays, { limit: LATEST }) });
}

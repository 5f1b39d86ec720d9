import { Component, computed, inject } from '@angular/core';
import { Api } from '../../api/api';
import { reconcile } from '../../api/fn/operations/reconcile';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { resource } from '../../core/recovery';
import { Icon } from '../../ui/icon';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/skeleton';

@Component({
  selector: 'shop-reconciliation',
  imports: [Heading, Icon, Problem, Skeleton],
  host: { class: 'stack' },
  template: `
    <h1 shopHeading>Reconciliation</h1>
    <p class="office-lead">
      The rules that must always hold across the tables: the stock of each product, the money of each payment,
      reservations, payments and shipments against orders; and what takes too long: orders, parcels, returns, refunds.
      Nothing is repaired here.
    </p>
    <p role="status" class="listing-count">{{ summary() }}</p>
    @if (check.error(); as error) {
      <shop-problem [error]="error" (retry)="check.reload()" />
    } @else if (check.hasValue()) {
      @if (check.value().items.length) {
        <ul class="console-rows">
          @for (violation of check.value().items; track $index) {
            <li class="panel">
              <h2>{{ violation.text }}</h2>
              <p class="hint order-number">{{ violation.rule }} · {{ violation.table }} · {{ violation.key }}</p>
            </li>
          }
        </ul>
      } @else {
        <div class="notice">
          <shop-icon name="check" />
          <p>The tables agree.</p>
        </div>
      }
    } @else {
      <div class="stack" aria-busy="true"><shop-skeleton height="4rem" /></div>
    }
    <div class="actions">
      <button type="button" class="button button-quiet" [attr.aria-busy]="check.isLoading()" (click)="check.reload()">
        {{ check.isLoading() ? 'Checking …' : 'Check again' }}
      </button>
    </div>
  `,
})
export default class ReconciliationPage {
  private readonly api = inject(Api);

  protected readonly check = resource({ loader: () => this.api.invoke(reconcile) });
  protected readonly summary = computed(() => {
    if (!this.check.hasValue() || this.check.isLoading()) return '';
    const violations = this.check.value().items.length;
    return violations ? `${counted(violations, 'violation')} found` : 'No violations';
  });
}

import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { getStaffStock } from '../../api/fn/back-office/get-staff-stock';
import { listMovements } from '../../api/fn/back-office/list-movements';
import { HistoryMovement, StaffStock } from '../../api/models';
import { Heading } from '../../core/headings';
import { Poller, Seen } from '../../core/poller';
import { Session } from '../../core/session';
import { Titles } from '../../core/titles';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Icon } from '../../ui/icon';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';
import NotFoundPage from '../not-found';
import { KINDS, changeOf, effectOf, signed } from './movements';
import { StockActions } from './stock-actions';
import { whoOf } from './words';

/** The stock of one product, and what staff and orders have done to it. */
@Component({
  selector: 'shop-stock-of-product',
  imports: [Heading, Icon, Live, More, NotFoundPage, RouterLink, Skeleton, StockActions, WhenPipe],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    @if (poller.problem()?.status === 404) {
      <shop-not-found />
    } @else {
      <header class="order-head">
        <a class="back" routerLink="/admin/stock"><shop-icon name="chevron" />Stock</a>
        <h1 shopHeading>{{ title() }}</h1>
      </header>
      <shop-live [poller]="poller" />
      @if (stock(); as stock) {
        <section class="panel stack" aria-label="Stock">
          <dl class="facts" aria-live="polite">
            @for (counter of counters(stock); track counter[0]) {
              <div>
                <dt>{{ counter[0] }}</dt>
                <dd>{{ counter[1] }}</dd>
              </div>
            }
          </dl>
          <shop-stock-actions [stock]="stock" [threshold]="true" (changed)="took($event)" />
        </section>
        <h2>Movements, the newest first</h2>
        @if (list.items(); as movements) {
          @if (movements.length) {
            <div class="data-frame" tabindex="0" role="region" aria-label="Movements">
              <table class="data">
                <caption>
                  Movements, the newest first
                </caption>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">What</th>
                    <th scope="col" class="number">Change</th>
                    <th scope="col" class="number">Before and after</th>
                    <th scope="col">Orders since the movement before</th>
                    <th scope="col">Note</th>
                    <th scope="col">Who</th>
                  </tr>
                </thead>
                <tbody>
                  @for (each of movements; track each.movementId) {
                    <tr>
                      <td>
                        <time [attr.datetime]="each.at">{{ each.at | when: 'short' }}</time>
                      </td>
                      <th scope="row" class="whole">{{ kinds[each.kind] }}</th>
                      <td class="number">{{ each.delta ? signed(each.delta) : '' }}</td>
                      <td class="number">{{ change(each) }}</td>
                      <td>{{ each.ordersBefore ? effect(each.ordersBefore) : '' }}</td>
                      <td class="wide">{{ each.note }}</td>
                      <td class="whole">{{ who(each.by) }}</td>
                    </tr>
                  }
                </tbody>
              </table>
            </div>
            <shop-more [of]="list" />
          } @else {
            <div class="blank"><p>Staff have not done anything to this stock yet.</p></div>
          }
        }
      } @else if (!poller.problem()) {
        <div aria-busy="true"><shop-skeleton height="20rem" /></div>
      }
    }
  `,
})
export default class StockProductPage {
  private readonly api = inject(Api);
  private readonly session = inject(Session);
  protected readonly poller = inject(Poller);

  readonly productId = input.required<string>();

  protected readonly kinds = KINDS;
  protected readonly change = changeOf;
  protected readonly effect = effectOf;
  protected readonly signed = signed;

  protected readonly stock = signal<StaffStock | null>(null);
  protected readonly title = computed(() => this.stock()?.name ?? 'Stock');
  protected readonly list = new Paged<HistoryMovement>(
    (cursor) => this.api.invoke(listMovements, { productId: this.productId(), limit: 50, ...(cursor && { cursor }) }),
    ({ movementId }) => movementId,
  );

  constructor() {
    const titles = inject(Titles);
    effect(() => titles.set(this.title()));
    effect(() => {
      const productId = this.productId();
      untracked(() => {
        this.stock.set(null);
        this.list.clear();
        this.poller.start(() => this.look(productId));
      });
    });
  }

  protected counters(stock: StaffStock): readonly (readonly [string, number | string])[] {
    return [
      ['Available', stock.available],
      ['Reserved', stock.reserved],
      ['Sold', stock.sold],
      ['Written off', stock.writtenOff],
      ['Received', stock.received],
      ['Adjusted', signed(stock.adjusted)],
      ['Low at', stock.lowAt ?? 'not watched'],
    ];
  }

  protected who(userId: string): string {
    return whoOf(userId, this.session.userId());
  }

  protected took(stock: StaffStock): void {
    this.stock.set(stock);
    this.poller.hurry();
  }

  private async look(productId: string): Promise<Seen> {
    const [stock, seen] = await Promise.all([this.api.invoke(getStaffStock, { productId }), this.list.look()]);
    if (productId !== this.productId()) return 'nothing';
    const same = JSON.stringify(stock) === JSON.stringify(this.stock());
    this.stock.set(stock);
    return same ? seen : 'news';
  }
}

import { Component, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listStock } from '../../api/fn/back-office/list-stock';
import { StaffStock } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { Find } from '../../office/find';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { Skeleton } from '../../ui/skeleton';
import { StockActions } from './stock-actions';

/** How much there is of each product, or of those that run low. */
@Component({
  selector: 'shop-stock-list',
  imports: [Find, Heading, Live, More, RouterLink, Rows, Skeleton, SortHeading, StockActions],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <div class="toolbar">
      <h1 shopHeading>Stock</h1>
      <form shopFind [(wanted)]="wanted"></form>
    </div>
    <nav class="tabs" aria-label="Which products">
      <a [routerLink]="[]" [attr.aria-current]="running() ? null : 'page'">All products</a>
      <a [routerLink]="[]" [queryParams]="{ low: true }" [attr.aria-current]="running() ? 'page' : null">Running low</a>
    </nav>
    <p class="office-lead" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (list.items(); as all) {
      @if (rows().length) {
        <div class="data-frame" tabindex="0" role="region" aria-label="Stock">
          <table class="data" shopRows>
            <caption>
              Stock, in pieces
            </caption>
            <thead>
              <tr>
                <th shopSort="name" [sorting]="sorting">Product</th>
                @for (counter of counters; track counter[0]) {
                  <th [shopSort]="counter[0]" [sorting]="sorting" class="number">{{ counter[1] }}</th>
                }
                <th shopSort="lowAt" [sorting]="sorting" class="number">Low at</th>
                <th scope="col"><span class="visually-hidden">What to do</span></th>
              </tr>
            </thead>
            <tbody>
              @for (row of rows(); track row.productId) {
                <tr>
                  <th scope="row" class="what">
                    <a data-lead [routerLink]="['/admin/stock', row.productId]">{{ row.name }}</a>
                  </th>
                  @for (counter of counters; track counter[0]) {
                    <td class="number">
                      {{ row[counter[0]] }}
                      @if (counter[0] === 'available' && isLow(row)) {
                        <span class="tag tag-caution">low</span>
                      }
                    </td>
                  }
                  <td class="number">{{ row.lowAt }}</td>
                  <td><shop-stock-actions [stock]="row" (changed)="took($event)" /></td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <shop-more [of]="list" />
      } @else {
        <div class="blank">
          <p>{{ all.length ? 'No product of this list is called so.' : nothing() }}</p>
        </div>
      }
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class StockPage {
  private readonly api = inject(Api);
  protected readonly poller = inject(Poller);

  /** Whether only what runs low is wanted; from the address. */
  readonly low = input<string>();

  protected readonly counters = [
    ['available', 'Available'],
    ['reserved', 'Reserved'],
    ['sold', 'Sold'],
    ['writtenOff', 'Written off'],
    ['received', 'Received'],
    ['adjusted', 'Adjusted'],
  ] as const;

  protected readonly running = computed(() => this.low() === 'true');
  protected readonly nothing = computed(() =>
    this.running() ? 'Nothing runs low. A product’s own page sets when it does.' : 'There are no products yet.',
  );
  protected readonly list = new Paged<StaffStock>(
    (cursor) =>
      this.api.invoke(listStock, { limit: 100, ...(this.running() && { low: true }), ...(cursor && { cursor }) }),
    ({ productId }) => productId,
  );
  protected readonly sorting = new Sorting<StaffStock>({
    name: ({ name }) => name,
    lowAt: ({ lowAt }) => lowAt,
    ...Object.fromEntries(this.counters.map(([counter]) => [counter, (row: StaffStock) => row[counter]])),
  });
  protected readonly wanted = signal('');
  protected readonly rows = computed(() => {
    const wanted = this.wanted().trim().toLowerCase();
    const has = ({ name, productId }: StaffStock) => `${name}\n${productId}`.toLowerCase().includes(wanted);
    return this.sorting.sorted((this.list.items() ?? []).filter(has));
  });
  protected readonly summary = computed(() => {
    if (!this.list.items()) return '';
    return `${counted(this.rows().length, 'product')}${this.list.nextCursor() ? ', and there are more' : ''}`;
  });

  constructor() {
    effect(() => {
      this.running();
      untracked(() => {
        this.list.clear();
        this.poller.start(() => this.list.look());
      });
    });
  }

  protected isLow({ available, lowAt }: StaffStock): boolean {
    return lowAt !== null && available <= lowAt;
  }

  protected took(stock: StaffStock): void {
    this.list.put(stock);
    this.poller.hurry();
  }
}

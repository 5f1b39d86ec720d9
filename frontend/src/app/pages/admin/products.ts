import { Component, computed, effect, inject, input, untracked } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { ListStaffProducts$Params, listStaffProducts } from '../../api/fn/back-office/list-staff-products';
import { StaffProduct } from '../../api/models';
import { counted } from '../../core/format';
import { Heading } from '../../core/headings';
import { Poller } from '../../core/poller';
import { Live } from '../../office/live';
import { More } from '../../office/more';
import { Paged } from '../../office/paged';
import { Rows } from '../../office/rows';
import { SortHeading, Sorting } from '../../office/sorting';
import { MoneyPipe } from '../../ui/money.pipe';
import { Skeleton } from '../../ui/skeleton';
import { WhenPipe } from '../../ui/when.pipe';

/** All products, also those that are not sold (any more, or yet). */
@Component({
  selector: 'shop-staff-products',
  imports: [Heading, Live, MoneyPipe, More, RouterLink, Rows, Skeleton, SortHeading, WhenPipe],
  providers: [Poller],
  host: { class: 'stack' },
  template: `
    <div class="toolbar">
      <h1 shopHeading>Products</h1>
      <form class="toolbar" role="search" aria-label="Find products" (submit)="find($event, box.value)">
        <input
          #box
          class="console-input"
          type="search"
          aria-label="Find products"
          placeholder="Name, category, description"
          maxlength="100"
          [value]="q() ?? ''"
        />
        <button type="submit" class="button button-quiet">Find</button>
      </form>
      <a class="button" routerLink="/admin/products/new">New product</a>
    </div>
    <nav class="tabs" aria-label="Which products">
      @for (each of views; track each[0]) {
        <a
          [routerLink]="[]"
          [queryParams]="{ listed: each[0] }"
          queryParamsHandling="merge"
          [attr.aria-current]="(listed() ?? null) === each[0] ? 'page' : null"
          >{{ each[1] }}</a
        >
      }
    </nav>
    <p class="office-lead" role="status">{{ summary() }}</p>
    <shop-live [poller]="poller" />
    @if (list.items(); as all) {
      @if (all.length) {
        <div class="data-frame" tabindex="0" role="region" aria-label="Products">
          <table class="data" shopRows>
            <caption>
              Products
            </caption>
            <thead>
              <tr>
                <th scope="col" class="pick"><span class="visually-hidden">Picture</span></th>
                <th shopSort="name" [sorting]="sorting">Name</th>
                <th shopSort="category" [sorting]="sorting">Category</th>
                <th shopSort="price" [sorting]="sorting" class="number">Price</th>
                <th shopSort="available" [sorting]="sorting" class="number">Available</th>
                <th shopSort="listed" [sorting]="sorting">State</th>
                <th shopSort="pictures" [sorting]="sorting" class="number">Pictures</th>
                <th shopSort="updated" [sorting]="sorting">Changed</th>
              </tr>
            </thead>
            <tbody>
              @for (row of rows(); track row.productId) {
                <tr>
                  <td class="pick">
                    @if (thumbnail(row); as url) {
                      <img class="thumb" [src]="url" alt="" width="32" height="32" loading="lazy" />
                    }
                  </td>
                  <th scope="row" class="what">
                    <a data-lead [routerLink]="['/admin/products', row.productId]">{{ row.name }}</a>
                  </th>
                  <td class="whole">{{ row.category }}</td>
                  <td class="number">{{ row.price | money }}</td>
                  <td class="number">{{ row.available }}</td>
                  <td>
                    <span class="tag" [class.tag-good]="row.listed">{{ row.listed ? 'On sale' : 'Not on sale' }}</span>
                  </td>
                  <td class="number">
                    {{ row.images.length }}
                    @if (failed(row); as count) {
                      <span class="tag tag-bad">{{ count }} failed</span>
                    }
                  </td>
                  <td>
                    <time [attr.datetime]="row.updatedAt">{{ row.updatedAt | when: 'short' }}</time>
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        <shop-more [of]="list" />
      } @else {
        <div class="blank">
          <p>{{ q() || listed() ? 'No product is like that.' : 'There are no products yet.' }}</p>
          <div class="actions"><a class="button" routerLink="/admin/products/new">New product</a></div>
        </div>
      }
    } @else if (!poller.problem()) {
      <div aria-busy="true"><shop-skeleton height="20rem" /></div>
    }
  `,
})
export default class ProductsPage {
  private readonly api = inject(Api);
  private readonly router = inject(Router);
  protected readonly poller = inject(Poller);

  // From the address.
  readonly q = input<string>();
  readonly listed = input<string>();

  protected readonly views: readonly (readonly [string | null, string])[] = [
    [null, 'All'],
    ['true', 'On sale'],
    ['false', 'Not on sale'],
  ];
  protected readonly list = new Paged<StaffProduct>(
    (cursor) => this.api.invoke(listStaffProducts, { ...this.wanted(), limit: 100, ...(cursor && { cursor }) }),
    ({ productId }) => productId,
  );
  protected readonly sorting = new Sorting<StaffProduct>({
    name: ({ name }) => name,
    category: ({ category }) => category,
    price: ({ price }) => price.amount,
    available: ({ available }) => available,
    listed: ({ listed }) => Number(listed),
    pictures: ({ images }) => images.length,
    updated: ({ updatedAt }) => updatedAt,
  });
  protected readonly rows = computed(() => this.sorting.sorted(this.list.items() ?? []));
  protected readonly summary = computed(() => {
    const found = this.list.items();
    return found ? `${counted(found.length, 'product')}${this.list.nextCursor() ? ', and there are more' : ''}` : '';
  });

  constructor() {
    effect(() => {
      this.wanted();
      untracked(() => {
        this.list.clear();
        this.poller.start(() => this.list.look());
      });
    });
  }

  protected thumbnail({ images }: StaffProduct): string | undefined {
    return images[0]?.sizes[0]?.url;
  }

  protected failed({ images }: StaffProduct): number {
    return images.filter(({ state }) => state === 'FAILED').length;
  }

  protected find(event: Event, text: string): void {
    event.preventDefault();
    void this.router.navigate([], { queryParams: { q: text.trim() || null }, queryParamsHandling: 'merge' });
  }

  private wanted(): ListStaffProducts$Params {
    const [q, listed] = [this.q(), this.listed()];
    return {
      ...(q && { q }),
      ...((listed === 'true' || listed === 'false') && { listed: listed === 'true' }),
    };
  }
}

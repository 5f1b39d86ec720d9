import { Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Api } from '../../api/api';
import { listStaffProducts } from '../../api/fn/back-office/list-staff-products';
import { StaffProduct } from '../../api/models';
import { resource } from '../../core/recovery';
import { MoneyPipe } from '../../ui/money.pipe';

/** The variants of a product's group: what each costs, how many there are, and a way to write another one. */
@Component({
  selector: 'shop-product-group',
  imports: [MoneyPipe, RouterLink],
  host: { class: 'panel stack' },
  template: `
    <h2>{{ product().variant ? 'Variants of ' + product().variant!.group : 'Variants' }}</h2>
    @if (product().variant) {
      <div class="data-frame" tabindex="0" role="region" aria-label="Variants">
        <table class="data">
          <caption>
            Variants
          </caption>
          <thead>
            <tr>
              <th scope="col">{{ product().variant!.attribute }}</th>
              <th scope="col" class="number">Price</th>
              <th scope="col" class="number">Available</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            @for (each of shown(); track each.productId) {
              <tr>
                <th scope="row">
                  <a
                    [routerLink]="['/admin/products', each.productId]"
                    [attr.aria-current]="each.productId === product().productId ? 'page' : null"
                    >{{ each.variant?.value }}</a
                  >
                </th>
                <td class="number">{{ each.price | money }}</td>
                <td class="number">
                  <a [routerLink]="['/admin/stock', each.productId]">{{ each.available }}</a>
                </td>
                <td>
                  <span class="tag" [class.tag-good]="each.listed">{{ each.listed ? 'On sale' : 'Not on sale' }}</span>
                </td>
              </tr>
            }
          </tbody>
        </table>
      </div>
    } @else {
      <p>This is the only one of its kind.</p>
    }
    <div class="actions">
      <a class="button button-quiet" routerLink="/admin/products/new" [queryParams]="{ like: product().productId }">
        Add a variant
      </a>
    </div>
  `,
})
export class ProductGroup {
  private readonly api = inject(Api);

  readonly product = input.required<StaffProduct>();

  private readonly group = computed(() => this.product().variant?.group);
  /** The search has no filter for a group, and its name is in the name of each; a group is smaller than a page. */
  private readonly found = resource({
    params: () => {
      const [group, version] = [this.group(), this.product().version];
      return group ? { group, version } : undefined;
    },
    loader: async ({ params: { group } }) =>
      (await this.api.invoke(listStaffProducts, { q: group.slice(0, 100), limit: 100 })).items,
  });
  protected readonly shown = computed(() => {
    const group = this.group()?.toLowerCase();
    const found = this.found.hasValue() ? this.found.value() : [];
    const others = found.filter(({ variant }) => variant?.group.toLowerCase() === group);
    return others.length ? others : [this.product()];
  });
}

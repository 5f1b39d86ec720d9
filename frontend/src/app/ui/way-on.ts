import { Component, computed, inject } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Catalogue } from '../core/catalogue';
import { SearchBox } from './search-box';

/** From a page on which there is nothing to what there is: a search, and the categories. */
@Component({
  selector: 'shop-way-on',
  imports: [RouterLink, SearchBox],
  template: `
    <shop-search-box label="Search the shop" />
    <nav aria-label="Shop by category">
      <ul class="way-categories">
        <li><a class="tag" routerLink="/products">All products</a></li>
        @for (each of categories(); track each.category) {
          <li>
            <a class="tag" routerLink="/products" [queryParams]="{ category: each.category }">{{ each.category }}</a>
          </li>
        }
      </ul>
    </nav>
  `,
})
export class WayOn {
  private readonly catalogue = inject(Catalogue);

  protected readonly categories = computed(() =>
    this.catalogue.categories.hasValue() ? this.catalogue.categories.value() : [],
  );
}

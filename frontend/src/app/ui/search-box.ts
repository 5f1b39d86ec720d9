import { Component, inject, input } from '@angular/core';
import { Router } from '@angular/router';
import { Icon } from './icon';

let last = 0;

/** A search for products. */
@Component({
  selector: 'shop-search-box',
  imports: [Icon],
  template: `
    <search>
      <form class="search-box" action="/products" (submit)="search($event, words)">
        <label class="visually-hidden" [for]="id">{{ label() }}</label>
        <input #words [id]="id" name="q" type="search" maxlength="100" placeholder="Search" [value]="query()" />
        <button type="submit" class="icon-button">
          <shop-icon name="search" /><span class="visually-hidden">Search</span>
        </button>
      </form>
    </search>
  `,
})
export class SearchBox {
  private readonly router = inject(Router);

  readonly label = input('Search for products');
  /** What is searched for now. */
  readonly query = input('');

  protected readonly id = `search-${++last}`;

  protected search(event: Event, words: HTMLInputElement): void {
    event.preventDefault();
    const q = words.value.trim() || null;
    words.blur();
    void this.router.navigate(['/products'], { queryParams: { q } });
  }
}

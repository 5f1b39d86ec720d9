import { Component, ViewContainerRef, inject, input, viewChild } from '@angular/core';
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
        <input
          #words
          [id]="id"
          name="q"
          type="search"
          maxlength="100"
          placeholder="Search"
          autocomplete="off"
          [value]="query()"
          (focus)="suggest(words)"
        />
        <button type="submit" class="icon-button">
          <shop-icon name="search" /><span class="visually-hidden">Search</span>
        </button>
        <ng-container #below />
      </form>
    </search>
  `,
})
export class SearchBox {
  private readonly router = inject(Router);
  private readonly below = viewChild.required('below', { read: ViewContainerRef });

  readonly label = input('Search for products');
  /** What is searched for now. */
  readonly query = input('');

  protected readonly id = `search-${++last}`;
  private asked = false;

  protected search(event: Event, words: HTMLInputElement): void {
    event.preventDefault();
    const q = words.value.trim() || null;
    words.blur();
    void this.router.navigate(['/products'], { queryParams: { q } });
  }

  /** Suggestions come with the first search: a visit without one does not load them, and a search works without. */
  protected async suggest(words: HTMLInputElement): Promise<void> {
    if (this.asked) return;
    this.asked = true;
    try {
      const { Suggestions } = await import('./suggestions');
      this.below().createComponent(Suggestions).setInput('field', words);
    } catch {
      this.asked = false;
    }
  }
}

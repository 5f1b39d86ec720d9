import { Component, ElementRef, ViewContainerRef, afterNextRender, inject, input, viewChild } from '@angular/core';
import { Router } from '@angular/router';
import { Icon } from './icon';

let last = 0;

/** Those of the page as it came, which are gone once the scripts show themselves; what was typed stays in them. */
const early = [...document.querySelectorAll<HTMLInputElement>('shop-search-box input')];

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
  private readonly words = viewChild.required<ElementRef<HTMLInputElement>>('words');
  private readonly below = viewChild.required('below', { read: ViewContainerRef });

  readonly label = input('Search for products');
  /** What is searched for now. */
  readonly query = input('');

  protected readonly id = `search-${++last}`;
  private asked = false;

  constructor() {
    afterNextRender(() => this.takeOver());
  }

  /** Nobody types twice because the scripts came late. */
  private takeOver(): void {
    const typed = early.find(({ value, defaultValue }) => value !== defaultValue);
    const field = this.words().nativeElement;
    // There are two boxes, and a screen shows one of them.
    if (!typed || !field.offsetParent) return;
    field.value = typed.value;
    field.focus();
    early.length = 0;
  }

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

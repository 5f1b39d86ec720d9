import { Component, DestroyRef, ElementRef, computed, effect, inject, input, signal, untracked } from '@angular/core';
import { Router } from '@angular/router';
import { ProductView } from '../api/models';
import { Catalogue } from '../core/catalogue';
import { counted } from '../core/format';
import { MoneyPipe } from './money.pipe';
import { ProductImage } from './product-image';
import { adopt } from './sheet';
import css from './suggestions.css' with { loader: 'text' };

adopt(css, 'components');

const MOST = 5;

const MOST_CATEGORIES = 2;

/** Letters that are too few to mean something. */
const LEAST = 2;

/** Milliseconds without a key after which somebody is taken to wait. */
const PAUSE = 150;

/** What can be chosen: a product, a category, or, without either, all that is found. */
interface Option {
  readonly product?: ProductView;
  readonly category?: string;
}

/**
 * What a search finds, while it is being typed: the combobox of the field that is searched with. The focus stays in the
 * field, and the arrow keys go through the list (ARIA Authoring Practices Guide, "Combobox", list autocomplete with manual
 * selection).
 */
@Component({
  selector: 'shop-suggestions',
  imports: [MoneyPipe, ProductImage],
  template: `
    <ul class="suggestions" role="listbox" aria-label="Suggestions" [id]="id()" [hidden]="!open()">
      @for (each of options(); track $index) {
        <li
          class="suggestion"
          role="option"
          [class.suggestion-words]="!each.product"
          [id]="id() + '-' + $index"
          [attr.aria-selected]="active() === $index"
          (pointerdown)="$event.preventDefault()"
          (click)="take($index)"
        >
          @if (each.product; as product) {
            <shop-product-image [picture]="product.images[0]" [category]="product.category" widths="2.75rem" />
            <span>{{ product.group?.name ?? product.name }}</span>
            <span class="price">{{ product.price | money }}</span>
          } @else if (each.category; as category) {
            <span
              >All in <strong>{{ category }}</strong></span
            >
          } @else {
            <span>See all results for “{{ asked() }}”</span>
          }
        </li>
      }
    </ul>
    <p class="visually-hidden" role="status">{{ said() }}</p>
  `,
})
export class Suggestions {
  private readonly catalogue = inject(Catalogue);
  private readonly router = inject(Router);
  private readonly host: HTMLElement = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;

  /** In which somebody types. */
  readonly field = input.required<HTMLInputElement>();

  protected readonly id = computed(() => `${this.field().id}-suggestions`);
  /** What was asked for, to which these are the answer. */
  protected readonly asked = signal('');
  private readonly products = signal<readonly ProductView[]>([]);
  /** Categories that are called so come first, and all that the search finds stands last. */
  protected readonly options = computed<readonly Option[]>(() => {
    const { categories } = this.catalogue;
    const known = categories.hasValue() ? categories.value().map(({ category }) => category) : [];
    const called = known.filter((category) => isCalled(category, this.asked())).slice(0, MOST_CATEGORIES);
    return [...called.map((category) => ({ category })), ...this.products().map((product) => ({ product })), {}];
  });
  private readonly typing = signal(false);
  protected readonly open = computed(() => this.typing() && this.options().length > 1);
  /** In the list; -1 while the field itself is meant. */
  protected readonly active = signal(-1);
  protected readonly said = computed(() =>
    this.open() ? `${counted(this.options().length - 1, 'suggestion')}, with the arrow keys` : '',
  );
  private timer = 0;

  constructor() {
    effect((onCleanup) => {
      const field = this.field();
      const listeners = new AbortController();
      const { signal: ended } = listeners;
      field.setAttribute('role', 'combobox');
      field.setAttribute('aria-autocomplete', 'list');
      field.setAttribute('aria-controls', this.id());
      field.addEventListener('input', () => this.wait(), { signal: ended });
      field.addEventListener('keydown', (event) => this.press(event), { signal: ended });
      field.addEventListener('blur', () => this.close(), { signal: ended });
      onCleanup(() => listeners.abort());
      // Somebody types faster than this has come.
      untracked(
        () => field.value && document.activeElement === field && field.value !== field.defaultValue && this.wait(),
      );
    });
    effect(() => {
      const field = this.field();
      field.setAttribute('aria-expanded', String(this.open()));
      const active = this.open() ? this.active() : -1;
      if (active < 0) field.removeAttribute('aria-activedescendant');
      else field.setAttribute('aria-activedescendant', `${this.id()}-${active}`);
      this.host.querySelectorAll('[role=option]')[active]?.scrollIntoView({ block: 'nearest' });
    });
    inject(DestroyRef).onDestroy(() => clearTimeout(this.timer));
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), PAUSE);
  }

  private async ask(): Promise<void> {
    const q = this.field().value.trim();
    if (q.length < LEAST) {
      this.close();
      return;
    }
    try {
      const { items } = await this.catalogue.list({ q, limit: MOST });
      // Something else has been typed meanwhile: its answer counts.
      if (q !== this.field().value.trim() || document.activeElement !== this.field()) return;
      this.asked.set(q);
      this.products.set(items);
      this.active.set(-1);
      this.typing.set(true);
    } catch {
      // A search without suggestions is one.
      this.close();
    }
  }

  private close(): void {
    clearTimeout(this.timer);
    this.typing.set(false);
    this.active.set(-1);
  }

  private press(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === 'Enter') {
      if (this.open() && this.active() >= 0) {
        event.preventDefault();
        this.take(this.active());
      } else this.close();
    } else if (!this.open()) {
      if (event.key === 'ArrowDown') void this.ask();
    } else if (event.key === 'Escape') {
      // The text stays; the next one is the browser's, which clears it.
      event.preventDefault();
      this.close();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const places = this.options().length + 1;
      const step = event.key === 'ArrowDown' ? 1 : -1;
      this.active.update((active) => ((active + 1 + step + places) % places) - 1);
    }
  }

  protected take(place: number): void {
    const { product, category } = this.options()[place]!;
    const field = this.field();
    this.close();
    if (!product && !category) {
      field.form!.requestSubmit();
      return;
    }
    field.value = '';
    field.blur();
    if (product) void this.router.navigate(['/products', product.productId]);
    else void this.router.navigate(['/products'], { queryParams: { category } });
  }
}

/** Whether a category, or a word of it, begins with what is searched for. */
function isCalled(category: string, words: string): boolean {
  return ` ${plain(category)}`.includes(` ${plain(words)}`);
}

/** Without accents and case. */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

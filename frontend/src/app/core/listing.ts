import { Injectable, computed, inject, signal } from '@angular/core';
import { ProductPage, ProductView } from '../api/models';
import { Catalogue } from './catalogue';
import { Clock } from './clock';
import { Filters, paramsOf } from './filters';
import { ApiError } from './problem';

/** Milliseconds for which a list is shown again as it was, on the way back from a product; its images last longer. */
const FRESH = 3 * 60_000;

const PAGE = 24;

/** Pages that the API gives at once. */
const AT_ONCE = 4;

/** The list of products: it outlives its page, so that Back finds it, and the place in it, as they were. */
@Injectable({ providedIn: 'root' })
export class Listing {
  private readonly catalogue = inject(Catalogue);
  private readonly clock = inject(Clock);
  private readonly products = signal<readonly ProductView[] | null>(null);
  private readonly nextCursor = signal<string | null>(null);
  private readonly choices = signal<Omit<ProductPage, 'items' | 'nextCursor'> | null>(null);
  private key = '';
  private at = 0;

  /** Null until the first have come. */
  readonly items = this.products.asReadonly();
  /** What can be chosen, and how much there is; null until it has come. */
  readonly found = this.choices.asReadonly();
  /** Pages that are shown below each other. */
  readonly pages = computed(() => Math.ceil((this.items()?.length ?? 0) / PAGE));
  readonly loading = signal(false);
  readonly problem = signal<ApiError | null>(null);
  readonly hasMore = computed(() => this.nextCursor() !== null);

  /**
   * Show what these filters let through.
   *
   * @param pages how many of them, below each other.
   */
  async open(filters: Filters, pages = 1): Promise<void> {
    const key = JSON.stringify(filters);
    if (key === this.key && this.items() && this.clock.now() - this.at < FRESH && !this.problem()) return;
    this.key = key;
    await this.fetch(filters, null, Math.min(pages, AT_ONCE));
    while (key === this.key && this.hasMore() && this.pages() < pages && !this.problem()) {
      await this.fetch(filters, this.nextCursor(), Math.min(pages - this.pages(), AT_ONCE));
    }
  }

  /** Try again what failed. */
  retry(filters: Filters): Promise<void> {
    return this.fetch(filters, this.nextCursor());
  }

  /** Show the next page below. */
  async more(filters: Filters): Promise<void> {
    if (this.nextCursor() && !this.loading()) await this.fetch(filters, this.nextCursor());
  }

  private async fetch(filters: Filters, cursor: string | null, pages = 1): Promise<void> {
    const key = this.key;
    this.loading.set(true);
    this.problem.set(null);
    if (!cursor) this.nextCursor.set(null);
    try {
      const limit = pages * PAGE;
      const page = await this.catalogue.list({ ...paramsOf(filters), limit, ...(cursor && { cursor }) });
      // Other filters were chosen in the meantime: their answer counts.
      if (key !== this.key) return;
      this.products.update((shown) => (cursor ? joined(shown ?? [], page.items) : page.items));
      this.nextCursor.set(page.nextCursor);
      this.choices.set(page);
      this.at = this.clock.now();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (key !== this.key) return;
      this.problem.set(error);
      // What other filters found must not stand under these.
      if (!cursor) this.products.set(null);
    } finally {
      if (key === this.key) this.loading.set(false);
    }
  }
}

/** A product that was renamed between two pages is in both: it stays in its place, as it is now. */
function joined(shown: readonly ProductView[], more: readonly ProductView[]): readonly ProductView[] {
  const products = new Map(shown.map((product) => [product.productId, product]));
  more.forEach((product) => products.set(product.productId, product));
  return [...products.values()];
}

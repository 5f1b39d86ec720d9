import { Injectable, inject } from '@angular/core';
import { Api } from '../api/api';
import { getProduct } from '../api/fn/catalog/get-product';
import { listCategories } from '../api/fn/catalog/list-categories';
import { ListProducts$Params, listProducts } from '../api/fn/catalog/list-products';
import { ProductPage, ProductView } from '../api/models';
import { Clock } from './clock';
import { resource } from './recovery';

/** How long what has been seen of a product is good for a glance, in milliseconds. */
const FRESH = 4 * 60_000;

/** The products, and what has been seen of them lately. */
@Injectable({ providedIn: 'root' })
export class Catalogue {
  private readonly api = inject(Api);
  private readonly clock = inject(Clock);
  private readonly seen = new Map<string, { readonly product: ProductView; readonly at: number }>();

  /** By name; the shell shows them on every page. */
  readonly categories = resource({ loader: async () => (await this.api.invoke(listCategories)).items });

  /** A page of products. */
  async list(params: ListProducts$Params): Promise<ProductPage> {
    const page = await this.api.invoke(listProducts, params);
    page.items.forEach((product) => this.remember(product));
    return page;
  }

  /** A product as it is now. */
  async get(productId: string): Promise<ProductView> {
    const product = await this.api.invoke(getProduct, { productId });
    this.remember(product);
    return product;
  }

  /** A product as it was at most a few minutes ago: good for its picture and name. */
  async glance(productId: string): Promise<ProductView> {
    return this.lately(productId) ?? this.get(productId);
  }

  /** As `glance`, without asking the shop. */
  lately(productId: string): ProductView | null {
    const entry = this.seen.get(productId);
    return entry && this.clock.now() - entry.at < FRESH ? entry.product : null;
  }

  private remember(product: ProductView): void {
    this.seen.set(product.productId, { product, at: this.clock.now() });
  }
}

import { DestroyRef, Injectable, computed, effect, inject, signal, untracked } from '@angular/core';
import { Api } from '../api/api';
import { getCart } from '../api/fn/cart/get-cart';
import { mergeCart } from '../api/fn/cart/merge-cart';
import { putItem } from '../api/fn/cart/put-item';
import { removeItem } from '../api/fn/cart/remove-item';
import { CartView, LineView, MergedCart, Money, OrderItem, PictureView, ProductView } from '../api/models';
import { Catalogue } from './catalogue';
import { ApiError } from './problem';
import { onRecovery } from './recovery';
import { Session } from './session';
import { storage } from './storage';
import { Toasts } from './toasts';

/** Items of one product, and lines, that a cart holds at the most. */
export const MAX_QUANTITY = 99;
const MAX_LINES = 50;

const KEY = 'cloudretail.cart';

/** A line of the cart. */
export interface CartLine extends LineView {
  /** Null while it is not known, and for a product without a picture. */
  readonly picture: PictureView | null;
  /** Empty while it is not known. */
  readonly category: string;
}

/**
 * What a guest has collected, kept in this browser: products, quantities and the prices that they saw, and an id by
 * which the API takes just this over once, however often it is asked.
 */
interface Collected {
  readonly mergeId: string;
  readonly items: readonly CollectedItem[];
}

interface CollectedItem {
  readonly productId: string;
  readonly quantity: number;
  readonly unitPrice: Money;
}

const NOTHING: Collected = { mergeId: '', items: [] };

/**
 * The cart, of a guest as of a shopper.
 *
 * A guest's is in this browser. When they log in it goes over to the account's, by one merge that is repeated with the
 * same id until it has succeeded. A shopper's is the API's: each change answers the whole cart, and changes are made one
 * after the other, so that no answer overtakes another. Either keeps the prices that were seen: only `accept` takes
 * another one.
 */
@Injectable({ providedIn: 'root' })
export class CartStore {
  private readonly api = inject(Api);
  private readonly session = inject(Session);
  private readonly catalogue = inject(Catalogue);
  private readonly toasts = inject(Toasts);

  private readonly collected = signal(read());
  private readonly account = signal<{ readonly userId: string; readonly cart: CartView } | null>(null);
  private readonly products = signal<ReadonlyMap<string, ProductView>>(new Map());
  private readonly waiting = signal(0);
  private readonly otherTabs = new BroadcastChannel(KEY);
  private last: Promise<unknown> = Promise.resolve();

  /** Why the cart cannot be shown as it is; null if it can. */
  readonly problem = signal<ApiError | null>(null);
  /** Something is being asked or changed. */
  readonly busy = computed(() => this.waiting() > 0);

  /** The account's cart; null for a guest, and until it has come. */
  private readonly cart = computed(() => {
    const account = this.account();
    return account !== null && account.userId === this.session.userId() ? account.cart : null;
  });

  /** Whether `lines` are all there: the cart is known, and what its products are. */
  readonly ready = computed(() => {
    if (this.session.restoring()) return false;
    if (this.session.signedIn()) return this.cart() !== null;
    return this.collected().items.every((item) => this.products().has(item.productId));
  });

  readonly lines = computed<readonly CartLine[]>(() => {
    const [cart, products] = [this.cart(), this.products()];
    if (this.session.signedIn()) {
      return (cart?.items ?? []).map((line) => {
        const product = products.get(line.productId);
        return { ...line, picture: product?.images[0] ?? null, category: product?.category ?? '' };
      });
    }
    return this.collected().items.flatMap((item) => {
      const product = products.get(item.productId);
      return product ? [lineOf(product, item)] : [];
    });
  });

  /** Items in the cart. */
  readonly count = computed(() => {
    const items = this.session.signedIn() ? (this.cart()?.items ?? []) : this.collected().items;
    return items.reduce((sum, item) => sum + item.quantity, 0);
  });

  /** Null for an empty cart of a guest, whose currency nobody knows. */
  readonly total = computed<Money | null>(() => {
    const [cart, lines] = [this.cart(), this.lines()];
    if (cart) return cart.total;
    const first = lines[0];
    if (!first) return null;
    return {
      amount: lines.reduce((sum, line) => sum + line.lineTotal.amount, 0),
      currency: first.lineTotal.currency,
    };
  });

  /** To be sent with the checkout; null for a guest's cart. */
  readonly version = computed(() => this.cart()?.version ?? null);

  /** Lines whose price is no longer the one that the shopper put them in at. `accept` takes the new one. */
  readonly priceChanges = computed(() => this.lines().filter((line) => line.priceChanged));

  /** What has to be changed in the cart before it can be ordered; null if nothing has. */
  readonly hindrance = computed(() => {
    const lines = this.lines();
    if (lines.some((line) => line.discontinued || line.available === 0)) {
      return 'Something in your cart is no longer available. Please remove it to check out.';
    }
    if (lines.some((line) => line.available < line.quantity)) {
      return 'There are not enough left of something in your cart. Please reduce its quantity to check out.';
    }
    return null;
  });

  constructor() {
    const unsubscribe = storage.onChangeElsewhere(KEY, () => {
      this.collected.set(read());
      void this.load();
    });
    this.otherTabs.onmessage = ({ data }: MessageEvent<unknown>) => this.reloadIfNewer(data);
    inject(DestroyRef).onDestroy(() => {
      unsubscribe();
      this.otherTabs.close();
    });
    onRecovery(
      () => this.problem() !== null,
      () => void this.load(),
    );
    effect(() => {
      const userId = this.session.userId();
      untracked(() => this.follow(userId));
    });
  }

  /** How many of a product are in the cart. */
  quantity(productId: string): number {
    const items = this.session.signedIn() ? (this.cart()?.items ?? []) : this.collected().items;
    return items.find((item) => item.productId === productId)?.quantity ?? 0;
  }

  /**
   * Ask again what is in the cart and what it costs: a page that shows it does so when it opens. A merge that failed
   * is tried again too. Never rejects: `problem` says why it failed.
   */
  async load(): Promise<void> {
    await this.queue(async () => {
      try {
        const userId = this.session.userId();
        if (userId === null) {
          await this.describe(
            this.collected().items.map((item) => item.productId),
            true,
          );
        } else {
          if (!(await this.adopt(userId))) this.show(userId, await this.api.invoke(getCart));
          await this.describe((this.cart()?.items ?? []).map((item) => item.productId));
        }
        this.problem.set(null);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.problem.set(error);
      }
    });
  }

  /**
   * Put so many more of a product into the cart, at the price that the shopper sees.
   *
   * @returns how many were added: fewer than asked for where the line is full then.
   * @throws {ApiError} `line-full`, `insufficient-stock` with how many are `available`, `cart-full`, or the shop cannot
   *   answer.
   */
  async add(product: ProductView, quantity = 1): Promise<number> {
    this.know([product]);
    return this.queue(async () => {
      await this.adoptFirst();
      const before = this.quantity(product.productId);
      if (before >= MAX_QUANTITY) throw lineFull(product);
      const wanted = Math.min(before + quantity, MAX_QUANTITY);
      await this.put(product.productId, wanted, product.price);
      return wanted - before;
    });
  }

  /**
   * Put what was ordered back into the cart, at the prices of then; of what is in it already, the larger quantity stays.
   *
   * @returns what could not be put back, in words; empty if everything was.
   * @throws {ApiError} the shop cannot answer.
   */
  async putBack(ordered: readonly OrderItem[]): Promise<string> {
    const items = ordered.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice }));
    const names = new Map(ordered.map(({ productId, name }) => [productId, name]));
    return this.queue(async () => {
      await this.adoptFirst();
      const body = { mergeId: crypto.randomUUID(), items };
      let left = '';
      await this.change(async () => {
        const merged = await this.api.invoke(mergeCart, { body });
        left = leftOut(merged, names);
        return merged;
      });
      await this.describe(items.map(({ productId }) => productId)).catch(() => undefined);
      return left;
    });
  }

  /**
   * Have so many of a line's product in the cart; none takes it out.
   *
   * @param unitPrice that the shopper accepts; the line's own if none is named.
   * @throws {ApiError} as `add`.
   */
  async set({ productId, unitPrice: seen }: CartLine, quantity: number, unitPrice: Money = seen): Promise<void> {
    await this.queue(async () => {
      await this.adoptFirst();
      if (quantity > 0) await this.put(productId, quantity, unitPrice);
      else if (this.session.signedIn()) await this.change(() => this.api.invoke(removeItem, { productId }));
      else this.collect(this.collected().items.filter((item) => item.productId !== productId));
    });
  }

  /** Take a product out. @throws {ApiError} the shop cannot answer. */
  remove(line: CartLine): Promise<void> {
    return this.set(line, 0);
  }

  /** Take a line's new price. @throws {ApiError} as `add`. */
  accept(line: CartLine): Promise<void> {
    return this.set(line, line.quantity, line.currentPrice ?? line.unitPrice);
  }

  private async put(productId: string, quantity: number, unitPrice: Money): Promise<void> {
    if (this.session.signedIn()) {
      await this.change(() => this.api.invoke(putItem, { productId, body: { quantity, unitPrice } }));
      return;
    }
    // Asked anew: the stock of when the page was loaded is no stock.
    const product = await this.catalogue.get(productId);
    this.know([product]);
    if (!product.listed) throw new ApiError(404, 'not-found', `${product.name} is no longer sold.`);
    // Fewer than before is a step towards what there is.
    if (quantity > Math.max(product.available, this.quantity(productId))) throw insufficient(product);
    const { items } = this.collected();
    const known = items.some((item) => item.productId === productId);
    if (!known && items.length >= MAX_LINES) {
      const message = `Your cart is full: it holds up to ${MAX_LINES} different products.`;
      throw new ApiError(409, 'cart-full', message);
    }
    const wanted = { productId, quantity, unitPrice };
    this.collect(known ? items.map((item) => (item.productId === productId ? wanted : item)) : [...items, wanted]);
  }

  private async change(request: () => Promise<CartView>): Promise<void> {
    const userId = this.session.userId();
    const cart = await request();
    if (userId) this.show(userId, cart);
    this.problem.set(null);
  }

  /** Somebody logged in or out, or it became known that nobody is. */
  private follow(userId: string | null): void {
    if (userId !== null) {
      void this.load();
    } else if (this.account()) {
      // Logged out: nothing of the shopper stays.
      this.account.set(null);
      this.problem.set(null);
      this.collect([]);
    }
  }

  /**
   * What comes before any other change, or the change would be made to another cart than is meant: to know who is here
   * where a page was just opened, a merge that failed, and what the account's cart holds.
   */
  private async adoptFirst(): Promise<void> {
    // Where it cannot be known, the visitor is a guest until it is, and what they add is merged then.
    await this.session.restore().catch(() => false);
    const userId = this.session.userId();
    if (userId === null || (await this.adopt(userId)) || this.cart()) return;
    this.show(userId, await this.api.invoke(getCart));
  }

  /**
   * Take what was collected before logging in over to the account.
   *
   * @returns whether there was anything; then the account's cart has been shown.
   */
  private async adopt(userId: string): Promise<boolean> {
    const { mergeId, items } = this.collected();
    if (!items.length) return false;
    try {
      const merged = await this.api.invoke(mergeCart, { body: { mergeId, items: [...items] } });
      this.show(userId, merged);
      const left = leftOut(merged, new Map([...this.products()].map(([id, { name }]) => [id, name])));
      if (left) this.toasts.problem(left);
    } catch (error) {
      // What the API will never take, it must not be offered for ever.
      if (!(error instanceof ApiError) || error.status !== 422) throw error;
      this.collect([]);
      return false;
    }
    if (this.collected().mergeId === mergeId) this.collect([]);
    return true;
  }

  private show(userId: string, cart: CartView): void {
    // They have logged out in the meantime.
    if (userId !== this.session.userId()) return;
    const { items, total, version } = cart;
    const before = this.version();
    this.account.set({ userId, cart: { items, total, version } });
    if (before !== null && version > before) this.otherTabs.postMessage({ userId, version });
  }

  /** Another tab of this browser has changed the cart. */
  private reloadIfNewer(message: unknown): void {
    const { userId, version } = message as { readonly userId?: unknown; readonly version?: unknown };
    const known = this.version();
    if (known !== null && userId === this.session.userId() && Number(version) > known) void this.load();
  }

  /** Keep what a guest collects. Every content has an id of its own, so that none is taken for another. */
  private collect(items: Collected['items']): void {
    const collected = items.length ? { mergeId: crypto.randomUUID(), items } : NOTHING;
    this.collected.set(collected);
    storage.set(KEY, items.length ? JSON.stringify(collected) : null);
  }

  /**
   * Find out what products are, for their images, names and prices.
   *
   * @param anew ask the shop also for those that are known.
   */
  private async describe(productIds: readonly string[], anew = false): Promise<void> {
    const gone: string[] = [];
    const found = await Promise.all(
      productIds.map(async (productId) => {
        try {
          return await (anew ? this.catalogue.get(productId) : this.catalogue.glance(productId));
        } catch (error) {
          if (!(error instanceof ApiError) || error.status !== 404) throw error;
          gone.push(productId);
          return null;
        }
      }),
    );
    this.know(found.filter((product) => product !== null));
    if (gone.length && !this.session.signedIn()) {
      this.collect(this.collected().items.filter((item) => !gone.includes(item.productId)));
      this.toasts.problem('Something in your cart is no longer available, so we removed it.');
    }
  }

  private know(products: readonly ProductView[]): void {
    if (!products.length) return;
    this.products.update((known) => new Map([...known, ...products.map((each) => [each.productId, each] as const)]));
  }

  /** One after the other, whether the one before succeeded or not. */
  private async queue<T>(work: () => Promise<T>): Promise<T> {
    this.waiting.update((count) => count + 1);
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      this.waiting.update((count) => count - 1);
    }
  }
}

/** What this browser has kept; whoever can write there could have written anything. */
function read(): Collected {
  try {
    const kept = JSON.parse(storage.get(KEY) ?? 'null') as Partial<Collected> | null;
    const items = (kept?.items ?? []).filter(
      ({ productId, quantity, unitPrice }) =>
        /^[A-Za-z0-9_-]{1,64}$/.test(productId) &&
        Number.isInteger(quantity) &&
        quantity > 0 &&
        quantity <= MAX_QUANTITY &&
        Number.isInteger(unitPrice.amount) &&
        /^[A-Z]{3}$/.test(unitPrice.currency),
    );
    const mergeId = kept?.mergeId;
    return items.length && typeof mergeId === 'string' ? { mergeId, items: items.slice(0, MAX_LINES) } : NOTHING;
  } catch {
    return NOTHING;
  }
}

function lineOf(product: ProductView, { quantity, unitPrice }: CollectedItem): CartLine {
  const { productId, name, price, available, images, category, listed } = product;
  return {
    productId,
    name,
    quantity,
    unitPrice,
    currentPrice: price,
    priceChanged: price.amount !== unitPrice.amount || price.currency !== unitPrice.currency,
    available: listed ? available : 0,
    discontinued: !listed,
    lineTotal: { ...unitPrice, amount: unitPrice.amount * quantity },
    picture: images[0] ?? null,
    category,
  };
}

/** What the API says to a shopper who wants more than there are. */
function insufficient({ name, available }: ProductView): ApiError {
  const message = available ? `Only ${available} left of ${name}.` : `${name} is sold out.`;
  return new ApiError(409, 'insufficient-stock', message, new Map(), { available });
}

function lineFull({ name }: ProductView): ApiError {
  const message = `You already have ${MAX_QUANTITY} of ${name} in your cart, the most that one order can have.`;
  return new ApiError(409, 'line-full', message);
}

/** What a merge could not put into the cart, in words; empty if nothing. */
function leftOut({ skipped, capped }: MergedCart, names: ReadonlyMap<string, string>): string {
  const nameOf = (productId: string) => names.get(productId) ?? 'Something';
  const why = { 'sold-out': 'is sold out', 'unknown-product': 'is no longer available', 'cart-full': 'did not fit in' };
  return [
    ...skipped.map(({ productId, reason }) => `${nameOf(productId)} ${why[reason]}.`),
    ...capped.map(({ productId, quantity }) => `Only ${quantity} left of ${nameOf(productId)}.`),
  ].join(' ');
}

import { Injectable, effect, inject } from '@angular/core';
import { Api } from '../api/api';
import { checkOut } from '../api/fn/orders/check-out';
import { Checkout, ShippingAddress } from '../api/models';
import { isSameAddress } from './address-draft';
import { ApiError } from './problem';
import { Session } from './session';
import { tabStorage } from './storage';

const KEY = 'cloudretail.checkout';

/**
 * What a shopper has entered and sent so far, kept in this tab so that neither a reload nor a lost answer makes a second
 * order.
 */
interface Attempt {
  /** Whose it is: another shopper in this tab begins anew. */
  readonly userId: string;
  /** The Idempotency-Key: the same one until an order has come of it. */
  readonly key: string;
  readonly address: ShippingAddress | null;
  readonly method: 'CARD' | 'COD';
  /** Id of the way in which it is to be sent; null until one was chosen. */
  readonly delivery: string | null;
  /** What was sent and not answered yet: there may be an order of it. */
  readonly sent: Checkout | null;
}

/** What a shopper has entered. */
export type Entered = Pick<Attempt, 'address' | 'method' | 'delivery'>;

/** An order, and whether it is what the shopper has entered. */
export interface Placed {
  readonly orderId: string;
  readonly method: Attempt['method'];
  /** False where an earlier request, whose answer was lost, made the order: what was entered since is not in it. */
  readonly asEntered: boolean;
}

/** One checkout, from the first letter of the address to the order. */
@Injectable({ providedIn: 'root' })
export class CheckoutAttempt {
  private readonly api = inject(Api);
  private readonly session = inject(Session);

  constructor() {
    let previous: string | null = null;
    effect(() => {
      const userId = this.session.userId();
      // Logged out: no address stays. A session that ended by itself goes on after the next login.
      if (previous && !userId && !this.session.expired()) tabStorage.set(KEY, null);
      previous = userId;
    });
  }

  /** What was entered before a reload. */
  get entered(): Entered {
    return this.attempt();
  }

  /** Keep what has been entered. */
  keep(entered: Entered): void {
    this.save({ ...this.attempt(), ...entered });
  }

  /**
   * Place the order. However often this is asked with whatever body, at most one order comes of it.
   *
   * @throws {ApiError} `price-changed`, `total-changed`, `insufficient-stock`, `product-unavailable`, `cart-changed`,
   *   `cart-empty`, `not-shipped-to`, `shipping-method-not-offered`, `cod-refused`, `invalid-input`; or `mayPass`, and then nobody knows whether there is an order until this is asked again.
   */
  async place(checkout: Checkout): Promise<Placed> {
    const { key, sent } = this.attempt();
    // The first that was sent and not answered stays: if there is an order, it is of that one.
    this.save({ ...this.attempt(), sent: sent ?? checkout });
    try {
      return await this.send(key, checkout, true);
    } catch (error) {
      if (!isReused(error)) throw error;
      // There is an order already: of what was sent first, or of what this tab has forgotten; then that key is spent.
      if (sent) return await this.send(key, sent, false);
      this.save({ ...this.attempt(), key: crypto.randomUUID(), sent: null });
      throw error;
    }
  }

  /**
   * Find the order whose answer got lost, if there is one.
   *
   * @param cartVersion of the cart as it is now. An order empties the cart: while it is the one that was sent, there is
   *   no order, and none is made behind the shopper's back.
   * @returns null where there is none.
   * @throws {ApiError} the shop does not answer.
   */
  async recover(cartVersion: number): Promise<Placed | null> {
    const { key, sent, ...entered } = this.attempt();
    if (!sent || sent.cartVersion === cartVersion) return null;
    try {
      return await this.send(key, sent, isOf(sent, entered));
    } catch (error) {
      if (!(error instanceof ApiError) || error.mayPass) throw error;
      return null;
    }
  }

  private async send(key: string, body: Checkout, asEntered: boolean): Promise<Placed> {
    try {
      const { orderId } = await this.api.invoke(checkOut, { 'Idempotency-Key': key, body });
      tabStorage.set(KEY, null);
      return { orderId, method: methodOf(body), asEntered };
    } catch (error) {
      // A definite no: there is no order of it.
      const no = error instanceof ApiError && !error.mayPass && error.status !== 401;
      if (no && !isReused(error)) this.save({ ...this.attempt(), sent: null });
      throw error;
    }
  }

  private attempt(): Attempt {
    const userId = this.session.userId() ?? '';
    try {
      const kept = JSON.parse(tabStorage.get(KEY) ?? 'null') as Attempt | null;
      if (kept?.userId === userId && typeof kept.key === 'string') return kept;
    } catch {
      // Not ours.
    }
    return this.save({ userId, key: crypto.randomUUID(), address: null, method: 'CARD', delivery: null, sent: null });
  }

  private save(attempt: Attempt): Attempt {
    tabStorage.set(KEY, JSON.stringify(attempt));
    return attempt;
  }
}

function methodOf({ paymentMethod }: Checkout): Attempt['method'] {
  return paymentMethod === 'COD' ? 'COD' : 'CARD';
}

/** Whether what was sent is what has been entered. */
function isOf(sent: Checkout, { address, method, delivery }: Entered): boolean {
  return methodOf(sent) === method && sent.shippingMethod === delivery && isSameAddress(sent.shippingAddress, address);
}

function isReused(error: unknown): boolean {
  return error instanceof ApiError && error.type === 'idempotency-key-reused';
}

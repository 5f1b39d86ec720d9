import { Injectable, inject, signal } from '@angular/core';
import { Api } from '../api/api';
import { getPaymentMethods } from '../api/fn/payments/get-payment-methods';
import { PaymentMethod } from '../api/models';
import { ApiError, apiError } from './problem';

/** How this shop can be paid, as it says itself: asked once. */
@Injectable({ providedIn: 'root' })
export class PaymentMethods {
  private readonly api = inject(Api);

  /** In the order in which they are offered; null until it is known. */
  readonly offered = signal<readonly PaymentMethod[] | null>(null);
  /** What Stripe knows the shop by; null where Stripe takes no cards here. */
  readonly stripeKey = signal<string | null>(null);
  /** Why it is not known. */
  readonly problem = signal<ApiError | null>(null);

  async load(): Promise<void> {
    if (this.offered()) return;
    this.problem.set(null);
    try {
      const { methods, publishableKey } = await this.api.invoke(getPaymentMethods);
      this.stripeKey.set(publishableKey);
      this.offered.set(methods);
    } catch (error) {
      this.problem.set(apiError(error));
    }
  }
}

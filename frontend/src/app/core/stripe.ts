import { ApiError } from './problem';

/** Stripe's own card field: what is typed into it never reaches the shop. */
export interface StripeCardField {
  mount(host: HTMLElement): void;
  destroy(): void;
  on(event: 'change', handler: (change: { error?: { message: string } }) => void): void;
}

interface Failed {
  readonly error?: { readonly message?: string };
}

/** The part of Stripe.js that the shop uses. Source: https://docs.stripe.com/js. */
export interface StripeJs {
  elements(): { create(type: 'card', options: object): StripeCardField };
  createPaymentMethod(of: {
    type: 'card';
    card: StripeCardField;
  }): Promise<Failed & { readonly paymentMethod?: { readonly id: string } }>;
  handleNextAction(of: { clientSecret: string }): Promise<Failed>;
}

declare global {
  interface Window {
    Stripe?: (publishableKey: string) => StripeJs;
  }
}

/** It may only be loaded from here, and not be a part of the shop's own files (PCI DSS). */
const SCRIPT = 'https://js.stripe.com/v3/';

let opened: Promise<StripeJs> | null = null;

/**
 * Stripe.js for the shop's account; loaded the first time that it is asked for.
 *
 * @throws {ApiError} `unreachable` where it cannot be loaded; the next call tries again.
 */
export function openStripe(publishableKey: string): Promise<StripeJs> {
  opened ??= load().then(
    () => window.Stripe!(publishableKey),
    (error: unknown) => {
      opened = null;
      throw error;
    },
  );
  return opened;
}

function load(): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = SCRIPT;
    script.onload = () => resolve();
    script.onerror = () => {
      script.remove();
      reject(new ApiError(0, 'unreachable', 'We cannot reach the card form right now. Please try again in a moment.'));
    };
    document.head.append(script);
  });
}

/** @throws {ApiError} `card-refused` with what Stripe says. */
export function orThrow<T extends Failed>(answer: T): T {
  if (answer.error) throw new ApiError(422, 'card-refused', answer.error.message ?? 'Please check your card details.');
  return answer;
}

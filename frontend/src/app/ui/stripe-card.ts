import { AfterViewInit, Component, DestroyRef, ElementRef, inject, input, signal, viewChild } from '@angular/core';
import { apiError } from '../core/problem';
import { StripeCardField, StripeJs, openStripe, orThrow } from '../core/stripe';

/** The fields for a card where Stripe takes it: a frame of Stripe's own. */
@Component({
  selector: 'shop-stripe-card',
  host: { class: 'field fields-wide' },
  template: `
    <p id="stripe-card">Card</p>
    <div class="stripe-card" role="group" aria-labelledby="stripe-card" #frame></div>
    @if (error(); as error) {
      <p class="field-error" role="alert">{{ error }}</p>
    }
    <p class="field-hint">Your card goes to Stripe, our payment provider. It never reaches this shop.</p>
  `,
})
export class StripeCard implements AfterViewInit {
  /** What the shop's account is named by. */
  readonly publishableKey = input.required<string>();

  private readonly frame = viewChild.required<ElementRef<HTMLElement>>('frame');
  private readonly opened = signal<{ stripe: StripeJs; card: StripeCardField } | null>(null);
  protected readonly error = signal<string | null>(null);
  private gone = false;

  constructor() {
    inject(DestroyRef).onDestroy(() => {
      this.gone = true;
      this.opened()?.card.destroy();
    });
  }

  ngAfterViewInit(): void {
    this.open().catch((error: unknown) => this.error.set(apiError(error).message));
  }

  /**
   * What stands for the card, for one payment.
   *
   * @throws {ApiError} Stripe does not take the card as it was entered, or cannot be reached.
   */
  async token(): Promise<string> {
    const { stripe, card } = await this.open();
    return orThrow(await stripe.createPaymentMethod({ type: 'card', card })).paymentMethod!.id;
  }

  private async open(): Promise<{ stripe: StripeJs; card: StripeCardField }> {
    const known = this.opened();
    if (known) return known;
    const stripe = await openStripe(this.publishableKey());
    this.error.set(null);
    const font = getComputedStyle(this.frame().nativeElement);
    const style = { base: { color: font.color, fontFamily: font.fontFamily, fontSize: font.fontSize } };
    const card = stripe.elements().create('card', { style, hidePostalCode: true });
    card.on('change', ({ error }) => this.error.set(error?.message ?? null));
    if (!this.gone) card.mount(this.frame().nativeElement);
    this.opened.set({ stripe, card });
    return { stripe, card };
  }
}

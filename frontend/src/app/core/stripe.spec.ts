import { ApiError } from './problem';
import { openStripe, orThrow } from './stripe';

describe('Stripe.js', () => {
  const script = () => document.querySelector<HTMLScriptElement>('script[src^="https://js.stripe.com/"]');

  it('is asked for again after it could not be loaded, and opened once', async () => {
    const first = openStripe('pk_test_1');
    script()!.onerror!(new Event('error'));
    await expect(first).rejects.toMatchObject({ type: 'unreachable', status: 0 });
    expect(script()).toBeNull();

    const opened = { elements: vi.fn() };
    window.Stripe = vi.fn().mockReturnValue(opened);
    const second = openStripe('pk_test_1');
    script()!.onload!(new Event('load'));

    expect(await second).toBe(opened);
    expect(await openStripe('pk_test_1')).toBe(opened);
    expect(window.Stripe).toHaveBeenCalledExactlyOnceWith('pk_test_1');
    script()!.remove();
  });

  it('says what is wrong with a card in Stripe’s words', () => {
    expect(() => orThrow({ error: { message: 'Your card number is incomplete.' } })).toThrow(
      new ApiError(422, 'card-refused', 'Your card number is incomplete.'),
    );
    const taken = { paymentMethod: { id: 'pm_1' } };
    expect(orThrow<typeof taken & { error?: never }>(taken)).toBe(taken);
  });
});

import { OrderView, PaymentView } from '../api/models';

/** Whether an order was paid, as a receipt says it. */
export function paidText({ status, paymentMethod }: OrderView): string {
  if (status === 'CANCELLED' || status === 'REJECTED') return 'This order was cancelled.';
  if (status === 'PENDING' || status === 'RESERVED') return 'This order is not paid yet.';
  if (paymentMethod === 'CARD') return 'Paid by card.';
  return status === 'DELIVERED' ? 'Paid in cash on delivery.' : 'To be paid in cash on delivery.';
}

/** What went back to the shopper, in minor units. */
export function refundedOf(payment: PaymentView | null): number {
  const done = payment?.refunds.filter(({ status }) => status === 'DONE' || status === 'PAID_BY_HAND') ?? [];
  return done.reduce((sum, { amount }) => sum + amount.amount, 0);
}

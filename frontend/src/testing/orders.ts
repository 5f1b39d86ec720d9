import { HistoryEntry, OrderStatus, OrderView, PaymentProgress, PaymentView, ReturnView } from '../app/api/models';

export const SGD = { amount: 1990, currency: 'SGD' };

/** A step of a story. */
export function entry(event: string, more: Partial<HistoryEntry> = {}): HistoryEntry {
  const none = { reason: null, attempt: null, shortages: [], about: null, amount: null, note: null, reference: null };
  return { event, at: '2026-11-22T10:00:00Z', causedBy: event, status: 'PENDING', ...none, ...more };
}

/** An order of three mugs. */
export function order(status: OrderStatus, story: HistoryEntry[] = [], more: Partial<OrderView> = {}): OrderView {
  return {
    orderId: 'ord_1',
    status,
    items: [{ productId: 'mug', name: 'Morning Mug', quantity: 3, unitPrice: SGD }],
    shipping: { methodId: 'standard', name: 'Standard delivery', price: { amount: 400, currency: 'SGD' } },
    tax: null,
    total: SGD,
    createdAt: '2026-11-22T10:00:00Z',
    shippingAddress: { name: 'A', line1: 'B', city: 'C', postalCode: 'D', country: 'SG' },
    paymentMethod: null,
    codRefusal: null,
    reservedUntil: null,
    cancellable: false,
    parcel: null,
    deliveredAt: null,
    returnableUntil: null,
    returnable: [],
    returns: [],
    story,
    ...more,
  };
}

export function payment(status: PaymentProgress, more: Partial<PaymentView> = {}): PaymentView {
  const none = { method: null, attempts: 0, challenge: null, declineReason: null, refunds: [] };
  return { orderId: 'ord_1', status, amount: SGD, maxAttempts: 3, ...none, ...more };
}

/** A return of one mug. */
export function sentBack(status: ReturnView['status'], more: Partial<ReturnView> = {}): ReturnView {
  return {
    returnId: 'ret_1',
    lines: [{ productId: 'mug', quantity: 1 }],
    taken: [],
    reason: 'CHANGED_MIND',
    status,
    requestedAt: '2026-11-24T10:00:00Z',
    amount: null,
    refusal: null,
    note: null,
    ...more,
  };
}

import { HistoryEntry, OrderItem, OrderStatus, OrderView, PaymentView } from '../api/models';

/** How a step of the story is meant: it went well, it is going on, something went wrong, or it is just so. */
export type Mood = 'good' | 'now' | 'bad' | 'plain';

export interface Step {
  readonly title: string;
  readonly text: string;
  readonly mood: Mood;
  /** ISO 8601; null for what has not happened yet. */
  readonly at: string | null;
}

/** The shopper has chosen how to pay, and no answer is known yet. */
export function isPaying(order: OrderView | null, payment: PaymentView | null): boolean {
  if (order?.status !== 'RESERVED' || !payment) return false;
  if (payment.status === 'SUBMITTED' || payment.status === 'SUCCEEDED') return true;
  // Chosen at checkout or a moment ago, and payments has not put all it needs together.
  const chosen = payment.method ?? (payment.attempts === 0 ? order.paymentMethod : null);
  return chosen !== null && (payment.status === 'OPEN' || payment.status === 'WAITING');
}

/** Nothing more will happen to the order by itself. */
export function isSettled(order: OrderView, payment: PaymentView | null): boolean {
  switch (order.status) {
    case 'CONFIRMED':
    case 'REJECTED':
      return true;
    case 'CANCELLED':
      if (payment?.status === 'REFUNDED') return isInStory(order, 'PaymentRefunded');
      if (payment?.status === 'REFUND_FAILED') return isInStory(order, 'PaymentRefundFailed');
      return payment?.status === 'VOIDED' || payment?.status === 'FAILED';
    default:
      return false;
  }
}

function isInStory(order: OrderView, event: string): boolean {
  return order.story.some((entry) => entry.event === event);
}

function left(entry: HistoryEntry, items: readonly OrderItem[]): string {
  const names = new Map(items.map((item) => [item.productId, item.name]));
  return entry.shortages
    .map(({ productId, requested, available }) => {
      const name = names.get(productId) ?? productId;
      return available ? `${name}: you ordered ${requested}, only ${available} left.` : `${name}: sold out.`;
    })
    .join(' ');
}

/** What happened, as a shopper would tell it. */
function step(entry: HistoryEntry, order: OrderView): Step {
  const { at } = entry;
  const cash = order.paymentMethod === 'COD';
  switch (entry.event) {
    case 'OrderPlaced':
      return { at, mood: 'plain', title: 'Order placed', text: 'We received your order.' };
    case 'InventoryReserved':
      return {
        at,
        mood: 'plain',
        title: 'Items set aside',
        text: 'We put your items aside, so that nobody else could buy them.',
      };
    case 'InventoryReservationFailed':
      return entry.reason === 'SOLD_OUT'
        ? {
            at,
            mood: 'bad',
            title: 'Sold out',
            text: `Someone else was a moment faster. You were not charged. ${left(entry, order.items)}`.trim(),
          }
        : {
            at,
            mood: 'bad',
            title: 'We were too slow',
            text: 'We could not process your order in time, and that was our fault. You were not charged.',
          };
    case 'PaymentDeclined':
      return {
        at,
        mood: 'bad',
        title: `Card declined${entry.attempt ? ` (attempt ${entry.attempt})` : ''}`,
        text: 'You were not charged. We kept holding your items.',
      };
    case 'PaymentSucceeded':
      return {
        at,
        mood: 'good',
        title: 'Order confirmed',
        text: cash ? 'You pay in cash when it arrives.' : 'We charged your card.',
      };
    case 'PaymentFailed':
      return entry.reason === 'PAYMENT_WINDOW_CLOSED'
        ? {
            at,
            mood: 'bad',
            title: 'Not paid in time',
            text: 'We could not hold your items any longer. You were not charged.',
          }
        : {
            at,
            mood: 'bad',
            title: 'Payment declined',
            text: 'There were no attempts left, so the order was cancelled. You were not charged.',
          };
    case 'CancelledByShopper':
      return { at, mood: 'plain', title: 'Order cancelled', text: 'You cancelled this order.' };
    case 'PaymentRefunded':
      return {
        at,
        mood: 'good',
        title: 'Refund on its way',
        text: 'We refunded the full amount to your card. It can take a few days to appear on your statement.',
      };
    case 'PaymentRefundFailed':
      return {
        at,
        mood: 'bad',
        title: 'Refund delayed',
        text: 'Your card did not accept the refund. We owe you the full amount and will refund it by hand.',
      };
    default:
      // Newer than this page.
      return { at, mood: 'plain', title: 'Order updated', text: '' };
  }
}

/** What is going on now; null where nothing is. */
function present(order: OrderView, payment: PaymentView | null): Omit<Step, 'at'> | null {
  switch (order.status) {
    case 'PENDING':
      return { mood: 'now', title: 'Setting your items aside', text: 'This takes just a moment.' };
    case 'RESERVED':
      return isPaying(order, payment)
        ? { mood: 'now', title: 'Processing your payment', text: 'There is nothing you need to do.' }
        : { mood: 'now', title: 'Waiting for your payment', text: 'We are holding your items until then.' };
    case 'CONFIRMED':
    case 'REJECTED':
      return null;
    case 'CANCELLED':
      if (isSettled(order, payment)) {
        if (payment?.status !== 'VOIDED') return null;
        return { mood: 'good', title: 'Nothing to refund', text: 'You were not charged.' };
      }
      return payment?.status === 'REFUNDING'
        ? { mood: 'now', title: 'Refunding your payment', text: 'There is nothing you need to do.' }
        : {
            mood: 'now',
            title: 'Checking your payment',
            text: 'If you were charged, we will refund the full amount.',
          };
  }
}

/** The order's story, oldest step first; the last one may be going on. */
export function storyOf(order: OrderView, payment: PaymentView | null): readonly Step[] {
  const now = present(order, payment);
  return [...order.story.map((entry) => step(entry, order)), ...(now ? [{ ...now, at: null }] : [])];
}

/** Where an order stands, in a word or two. */
export const STATUS: Readonly<Record<OrderStatus, { readonly label: string; readonly tag: string }>> = {
  PENDING: { label: 'Processing', tag: 'tag-caution' },
  RESERVED: { label: 'Awaiting payment', tag: 'tag-caution' },
  CONFIRMED: { label: 'Confirmed', tag: 'tag-good' },
  REJECTED: { label: 'Not available', tag: 'tag-bad' },
  CANCELLED: { label: 'Cancelled', tag: '' },
};

/** Why an order ended without goods: the last thing that went wrong. */
export function endOf(order: OrderView): Step | null {
  if (order.status !== 'REJECTED' && order.status !== 'CANCELLED') return null;
  const ends = ['InventoryReservationFailed', 'PaymentFailed', 'CancelledByShopper'];
  const entry = order.story.findLast(({ event }) => ends.includes(event));
  return entry ? step(entry, order) : null;
}

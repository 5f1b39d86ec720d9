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
      if (payment?.status === 'REFUNDED') return told(order, 'PaymentRefunded');
      if (payment?.status === 'REFUND_FAILED') return told(order, 'PaymentRefundFailed');
      return payment?.status === 'VOIDED' || payment?.status === 'FAILED';
    default:
      return false;
  }
}

function told(order: OrderView, event: string): boolean {
  return order.story.some((entry) => entry.event === event);
}

function left(entry: HistoryEntry, items: readonly OrderItem[]): string {
  const names = new Map(items.map((item) => [item.productId, item.name]));
  return entry.shortages
    .map(({ productId, requested, available }) => {
      const name = names.get(productId) ?? productId;
      return available
        ? `${name}: you wanted ${requested}, and ${available} ${available === 1 ? 'was' : 'were'} left.`
        : `${name}: none left.`;
    })
    .join(' ');
}

/** What happened, as a shopper would tell it. An event that this page does not know keeps its name. */
function step(entry: HistoryEntry, order: OrderView): Step {
  const { at } = entry;
  const cash = order.paymentMethod === 'COD';
  switch (entry.event) {
    case 'OrderPlaced':
      return { at, mood: 'plain', title: 'You placed the order', text: 'We wrote it down and told our warehouse.' };
    case 'InventoryReserved':
      return { at, mood: 'plain', title: 'Your things are held for you', text: 'Nobody else can buy them meanwhile.' };
    case 'InventoryReservationFailed':
      return entry.reason === 'SOLD_OUT'
        ? {
            at,
            mood: 'bad',
            title: 'Sold out a moment before you',
            text: `You were not charged. ${left(entry, order.items)}`.trim(),
          }
        : {
            at,
            mood: 'bad',
            title: 'Our warehouse heard of it too late',
            text: 'We did not want to surprise you with an old order. You were not charged.',
          };
    case 'PaymentDeclined':
      return {
        at,
        mood: 'bad',
        title: `The card was declined${entry.attempt ? ` (attempt ${entry.attempt})` : ''}`,
        text: 'Nothing was charged, and your things were still held.',
      };
    case 'PaymentSucceeded':
      return {
        at,
        mood: 'good',
        title: 'The order is confirmed',
        text: cash ? 'You pay in cash when it is delivered.' : 'Your card was charged.',
      };
    case 'PaymentFailed':
      return entry.reason === 'PAYMENT_WINDOW_CLOSED'
        ? {
            at,
            mood: 'bad',
            title: 'It was not paid in time',
            text: 'We could not hold your things any longer. You were not charged.',
          }
        : {
            at,
            mood: 'bad',
            title: 'The payment did not work',
            text: 'Your card was declined for the last time, and the order was cancelled. You were not charged.',
          };
    case 'CancelledByShopper':
      return { at, mood: 'plain', title: 'You cancelled the order', text: 'Your things went back on the shelf.' };
    case 'PaymentRefunded':
      return {
        at,
        mood: 'good',
        title: 'Your money is on its way back',
        text: 'We gave the whole amount back to your card. Your bank may take a few days to show it.',
      };
    case 'PaymentRefundFailed':
      return {
        at,
        mood: 'bad',
        title: 'Your card took no refund',
        text: 'You paid, and we owe you the whole amount. Somebody at the shop has been told and will see to it.',
      };
    default:
      return { at, mood: 'plain', title: entry.event, text: entry.reason ?? '' };
  }
}

/** What is going on now; null where nothing is. */
function present(order: OrderView, payment: PaymentView | null): Omit<Step, 'at'> | null {
  switch (order.status) {
    case 'PENDING':
      return { mood: 'now', title: 'We are putting your things aside', text: 'This takes a moment.' };
    case 'RESERVED':
      return isPaying(order, payment)
        ? { mood: 'now', title: 'Your payment is being made', text: 'You need not do anything.' }
        : { mood: 'now', title: 'Waiting for your payment', text: 'Your things are held until then.' };
    case 'CONFIRMED':
    case 'REJECTED':
      return null;
    case 'CANCELLED':
      if (isSettled(order, payment)) {
        if (payment?.status !== 'VOIDED') return null;
        return { mood: 'good', title: 'There was nothing to give back', text: 'You were not charged.' };
      }
      return payment?.status === 'REFUNDING'
        ? { mood: 'now', title: 'We are giving your money back', text: 'You need not do anything.' }
        : {
            mood: 'now',
            title: 'We are looking after your payment',
            text: 'If you were charged, you get it all back.',
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
  PENDING: { label: 'Being checked', tag: 'tag-caution' },
  RESERVED: { label: 'Held for you', tag: 'tag-caution' },
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

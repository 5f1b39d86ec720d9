import { HistoryEntry, OrderItem, OrderStatus, OrderView, PaymentView, RefundView } from '../api/models';
import { formatMoney } from './format';
import { refusalOf } from './returns';

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
  // A challenge is the shopper's to answer; once it is called off, the rest comes by itself.
  if (payment.status === 'CHALLENGED') return payment.challenge === null;
  // Chosen at checkout or a moment ago, and payments has not put all it needs together.
  const chosen = payment.method ?? (payment.attempts === 0 ? order.paymentMethod : null);
  return chosen !== null && (payment.status === 'OPEN' || payment.status === 'WAITING');
}

/** Whom the order waits for: a machine, which is quick, or a person or a parcel, which take hours or days. */
export type Awaited = 'the shop' | 'a person';

/** Whom the order waits for; null where nothing more will happen by itself. */
export function awaits(order: OrderView, payment: PaymentView | null): Awaited | null {
  switch (order.status) {
    case 'PENDING':
    case 'RESERVED':
    case 'CANCELLING':
      return 'the shop';
    case 'CONFIRMED':
    case 'SHIPPED':
      return 'a person';
    case 'REJECTED':
      return null;
    case 'DELIVERED': {
      // The courier's cash is told a moment after the delivery.
      if (order.paymentMethod === 'COD' && !order.story.some(({ event }) => event === 'PaymentCollected')) {
        return 'the shop';
      }
      const money = awaitedRefund(order, payment);
      return money ?? (order.returns.some(({ status }) => status === 'REQUESTED') ? 'a person' : null);
    }
    case 'CANCELLED':
      return awaitedRefund(order, payment);
  }
}

/** Money is held, or goes back, so that the payment says something that the order does not. */
export function isAboutMoney({ status, returns }: OrderView): boolean {
  if (status === 'DELIVERED') return returns.some((each) => each.status === 'ACCEPTED');
  return status === 'RESERVED' || status === 'CANCELLED';
}

/** Id of the refund of a cancelled order. */
const CANCELLATION = 'cancellation';

function awaitedRefund(order: OrderView, payment: PaymentView | null): Awaited | null {
  if (!isAboutMoney(order)) return null;
  if (!payment) return 'the shop';
  const known = new Set(payment.refunds.map(({ refundId }) => refundId));
  // A payment that is about to be made, or has not heard yet of what it is to give back.
  if (order.status === 'CANCELLED' && !['VOIDED', 'FAILED'].includes(payment.status) && !known.has(CANCELLATION)) {
    return 'the shop';
  }
  if (order.returns.some(({ returnId, status }) => status === 'ACCEPTED' && !known.has(returnId))) return 'the shop';
  const open = payment.refunds.filter((refund) => !isPaidBack(order, refund));
  if (open.some(({ status }) => status !== 'TO_PAY_BY_HAND')) return 'the shop';
  return open.length ? 'a person' : null;
}

/** The money is on its way, and the story says so. */
function isPaidBack(order: OrderView, { refundId, amount, status }: RefundView): boolean {
  if (status !== 'DONE' && status !== 'PAID_BY_HAND') return false;
  return (
    !amount.amount ||
    order.story.some(
      ({ event, about, reference }) =>
        event === 'PaymentRefunded' && about === refundId && (status === 'DONE' || reference),
    )
  );
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

const SORRY = 'We are sorry: we cannot send you this order.';

/** What staff wrote to the shopper, behind a sentence. */
function noteOf({ note }: HistoryEntry): string {
  return note ? ` Our note to you: ${note}` : '';
}

function moneyOf({ amount }: HistoryEntry): string {
  return amount ? formatMoney(amount) : 'the full amount';
}

function cameBack({ reason }: HistoryEntry): Pick<Step, 'title' | 'text'> {
  switch (reason) {
    case 'PARCEL_REFUSED':
      return { title: 'Parcel came back', text: 'It was not accepted at the door, so we cancelled your order.' };
    case 'PARCEL_UNDELIVERABLE':
      return {
        title: 'Parcel could not be delivered',
        text: 'We are sorry: it came back to us, so we cancelled your order. Is the delivery address right?',
      };
    case 'PARCEL_LOST':
      return {
        title: 'Parcel lost',
        text: 'We are sorry: your parcel was lost on its way, so we cancelled your order.',
      };
    default:
      return { title: 'Parcel came back', text: 'Your parcel did not arrive, so we cancelled your order.' };
  }
}

function refunded(entry: HistoryEntry, order: OrderView): string {
  return entry.reference || order.paymentMethod === 'COD'
    ? `We paid ${moneyOf(entry)} back to you.`
    : `We refunded ${moneyOf(entry)} to your card. It can take a few days to appear on your statement.`;
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
    case 'CancelledByShop':
      return { at, mood: 'bad', title: 'Order cancelled', text: `${SORRY}${noteOf(entry)}` };
    case 'CancellationRequested':
      return entry.reason === 'BY_SHOP'
        ? { at, mood: 'bad', title: 'We cannot send your order', text: `${SORRY}${noteOf(entry)}` }
        : { at, mood: 'plain', title: 'Cancellation requested', text: 'You asked us to cancel this order.' };
    case 'ShipmentCancelled':
      return { at, mood: 'plain', title: 'Order cancelled', text: 'Your parcel had not left yet.' };
    case 'ShipmentDispatched': {
      const carrier = order.parcel ? `Your parcel is with ${order.parcel.carrier}.` : 'Your parcel has left us.';
      return order.story.some((each) => each.event === 'CancellationRequested')
        ? {
            at,
            mood: 'plain',
            title: 'Your parcel was faster',
            text: `It had already left when the cancellation came. ${carrier} Once it has arrived, you can send it back.`,
          }
        : { at, mood: 'good', title: 'Handed to the carrier', text: carrier };
    }
    case 'ShipmentDelivered':
      return { at, mood: 'good', title: 'Delivered', text: 'We hope that you like it.' };
    case 'ShipmentReturned':
      return { at, mood: 'bad', ...cameBack(entry) };
    case 'PaymentCollected':
      return entry.amount?.amount
        ? { at, mood: 'plain', title: 'Paid in cash', text: `You paid the courier ${formatMoney(entry.amount)}.` }
        : { at, mood: 'plain', title: 'Nothing paid', text: 'The courier collected no cash.' };
    case 'ReturnRequested':
      return {
        at,
        mood: 'plain',
        title: 'Return requested',
        text: 'You want to send items back. We have e-mailed you how to do it.',
      };
    case 'ReturnWithdrawn':
      return { at, mood: 'plain', title: 'Return withdrawn', text: 'You decided to keep the items.' };
    case 'ReturnReceived':
      return { at, mood: 'good', title: 'Return received', text: 'Your items have arrived, and we took them back.' };
    case 'ReturnRefused':
      return { at, mood: 'bad', title: 'Return not accepted', text: `${refusalOf(entry.reason)}${noteOf(entry)}` };
    case 'PaymentRefunded':
      return { at, mood: 'good', title: 'Refund on its way', text: refunded(entry, order) };
    case 'PaymentRefundFailed':
      return cash
        ? {
            at,
            mood: 'plain',
            title: 'We pay you back by hand',
            text: `You paid in cash. We will write to you to agree on how you get ${moneyOf(entry)} back.`,
          }
        : {
            at,
            mood: 'bad',
            title: 'Refund delayed',
            text: `Your card did not accept the refund. We owe you ${moneyOf(entry)} and will write to you to pay it back.`,
          };
    case 'PaymentDisputed':
      return {
        at,
        mood: 'plain',
        title: 'Your bank disputes this payment',
        text: `It asks us for ${moneyOf(entry)} back, and has that money until it decides.`,
      };
    case 'PaymentDisputeClosed':
      return {
        at,
        mood: 'plain',
        title: 'Your bank has decided',
        text: entry.reason === 'LOST' ? `You have ${moneyOf(entry)} back from it.` : 'The payment stands.',
      };
    case 'MailFeedbackReceived':
      return entry.reason === 'Complaint'
        ? {
            at,
            mood: 'plain',
            title: 'No more e-mails',
            text: 'You marked one of our e-mails as spam, so we may no longer be able to write to you. This page stays up to date.',
          }
        : {
            at,
            mood: 'bad',
            title: 'E-mail not delivered',
            text: 'One of our e-mails to you came back. Everything that it said is on this page.',
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
      if (payment?.challenge) {
        return { mood: 'now', title: 'Waiting for your bank', text: 'Please confirm the payment with your bank.' };
      }
      return isPaying(order, payment)
        ? { mood: 'now', title: 'Processing your payment', text: 'There is nothing you need to do.' }
        : { mood: 'now', title: 'Waiting for your payment', text: 'We are holding your items until then.' };
    case 'CONFIRMED':
      return { mood: 'now', title: 'Packing your order', text: 'We will e-mail you when it is on its way.' };
    case 'CANCELLING':
      return {
        mood: 'now',
        title: 'Checking whether your parcel has left',
        text: 'If it has not, we cancel your order. If it has, you can send it back once it has arrived.',
      };
    case 'SHIPPED': {
      const cash = order.paymentMethod === 'COD';
      const text = cash ? `Please have ${formatMoney(order.total)} in cash ready for the courier.` : '';
      return { mood: 'now', title: 'On its way to you', text };
    }
    case 'REJECTED':
      return null;
    case 'DELIVERED':
      if (!isAboutMoney(order) || !awaitedRefund(order, payment)) {
        return order.returns.some(({ status }) => status === 'REQUESTED')
          ? { mood: 'now', title: 'Waiting for your return', text: 'We will e-mail you when it has arrived.' }
          : null;
      }
      return refunding(payment) ?? { mood: 'now', title: 'Working out your refund', text: 'This takes just a moment.' };
    case 'CANCELLED':
      if (!awaitedRefund(order, payment)) {
        if (payment?.status !== 'VOIDED' || payment.refunds.length) return null;
        return { mood: 'good', title: 'Nothing to refund', text: 'You were not charged.' };
      }
      return (
        refunding(payment) ?? {
          mood: 'now',
          title: 'Checking your payment',
          text: 'If you were charged, we will refund the full amount.',
        }
      );
  }
}

function refunding(payment: PaymentView | null): Omit<Step, 'at'> | null {
  const open = new Set(payment?.refunds.map(({ status }) => status));
  if (open.has('REQUESTED')) {
    return { mood: 'now', title: 'Refunding your payment', text: 'There is nothing you need to do.' };
  }
  return open.has('TO_PAY_BY_HAND')
    ? { mood: 'now', title: 'Paying you back by hand', text: 'We will write to you about it.' }
    : null;
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
  CANCELLING: { label: 'Cancelling', tag: 'tag-caution' },
  SHIPPED: { label: 'On its way', tag: 'tag-good' },
  DELIVERED: { label: 'Delivered', tag: 'tag-good' },
  REJECTED: { label: 'Not available', tag: 'tag-bad' },
  CANCELLED: { label: 'Cancelled', tag: '' },
};

const ENDS: readonly string[] = [
  'InventoryReservationFailed',
  'PaymentFailed',
  'CancelledByShopper',
  'CancelledByShop',
  'ShipmentCancelled',
  'ShipmentReturned',
];

/** Why an order ended without goods: the last thing that went wrong. */
export function endOf(order: OrderView): Step | null {
  if (order.status !== 'REJECTED' && order.status !== 'CANCELLED') return null;
  const entry = order.story.findLast(({ event }) => ENDS.includes(event));
  return entry ? step(entry, order) : null;
}

import { RecordedEntry, ShipmentView, StaffOrder, Step } from '../../api/models';
import { formatMoney } from '../../core/format';
import { returnNumber } from '../../core/returns';

/** One line of what happened to an order. */
export interface Line {
  readonly at: string;
  readonly what: string;
  readonly details: string;
  /** User id of the member of staff who did it; null where nobody of them did. */
  readonly by: string | null;
}

const EVENTS: Readonly<Record<string, string>> = {
  OrderPlaced: 'Order placed',
  InventoryReserved: 'Items set aside',
  InventoryReservationFailed: 'Items could not be set aside',
  PaymentDeclined: 'Card declined',
  PaymentSucceeded: 'Confirmed',
  PaymentFailed: 'Payment failed',
  PaymentCollected: 'Cash collected',
  PaymentRefunded: 'Refunded',
  PaymentRefundFailed: 'Refund is to be paid by hand',
  PaymentDisputed: 'Payment disputed',
  PaymentDisputeClosed: 'Dispute decided',
  CancelledByShopper: 'Cancelled by the shopper',
  CancelledByShop: 'Cancelled by the shop',
  CancellationRequested: 'Cancellation requested',
  ShipmentCancelled: 'Not shipped any more',
  ShipmentDispatched: 'Shipped',
  ShipmentDelivered: 'Delivered',
  ShipmentReturned: 'Parcel did not arrive',
  ReturnRequested: 'Return announced',
  ReturnWithdrawn: 'Return withdrawn',
  ReturnReceived: 'Return received',
  ReturnRefused: 'Return refused',
  MailFeedbackReceived: 'E-mail came back',
};

/** Mails go by the names of events, of which these are no steps of a story. */
const MAILS: Readonly<Record<string, string>> = {
  ...EVENTS,
  OrderConfirmed: 'Confirmed',
  OrderRejected: 'Not available',
  OrderCancelled: 'Cancelled',
};

/** By what SES says of it. */
const MAIL_FEEDBACK: Readonly<Record<string, string>> = {
  Bounce: 'not delivered',
  Complaint: 'marked as spam',
};

/** By fulfilment's names: what a member of staff did with the parcel. */
const DEEDS: Readonly<Record<string, string>> = {
  Ship: 'Gave the parcel to the carrier',
  Deliver: 'Booked the delivery',
  CameBack: 'Booked the parcel that came back',
  Lose: 'Booked the parcel as lost',
  ReceiveReturn: 'Took a return',
  RefuseReturn: 'Refused a return',
};

/** "SOLD_OUT" reads "sold out". */
function plain(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

function ofOrder(entry: RecordedEntry): Line {
  const { at, event, about, amount, attempt, by, note, reason, reference, shortages } = entry;
  const details = [
    reason && (MAIL_FEEDBACK[reason] ?? plain(reason)),
    event === 'MailFeedbackReceived' && about && `“${MAILS[about] ?? about}”`,
    attempt && `attempt ${attempt}`,
    about?.startsWith('ret_') && `return ${returnNumber(about)}`,
    amount && formatMoney(amount),
    reference,
    ...shortages.map(({ productId, requested, available }) => `${productId}: ${requested} wanted, ${available} there`),
    note && `“${note}”`,
  ];
  return { at, by, what: EVENTS[event] ?? event, details: details.filter(Boolean).join(' · ') };
}

function ofParcel({ at, what, by, about }: Step): Line {
  return { at, by, what: DEEDS[what] ?? what, details: about ? `return ${returnNumber(about)}` : '' };
}

/** What happened to an order, and what staff did with its parcel, the oldest first. */
export function linesOf(order: StaffOrder, shipment: ShipmentView | null): readonly Line[] {
  const deeds = (shipment?.story ?? []).filter(({ by }) => by !== null);
  const lines = [...order.story.map(ofOrder), ...deeds.map(ofParcel)];
  return lines.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

import {
  ComebackReason,
  ExpectedReturn,
  OrderItem,
  PaymentMethod,
  PaymentStatus,
  DisputeStatus,
  RefundStatus,
  RefusalChoice,
  ReturnProgress,
  ShipmentStatus,
  ShipmentView,
} from '../../api/models';
import { nameOf } from '../../core/countries';
import { orderNumber } from '../../core/format';

interface Tag {
  readonly label: string;
  readonly tag: string;
}

export const SHIPMENT: Readonly<Record<ShipmentStatus, Tag>> = {
  TO_SHIP: { label: 'To ship', tag: 'tag-caution' },
  SHIPPED: { label: 'On its way', tag: 'tag-good' },
  DELIVERED: { label: 'Delivered', tag: 'tag-good' },
  RETURNED: { label: 'Came back', tag: 'tag-bad' },
  CANCELLED: { label: 'Not shipped', tag: '' },
};

export const RETURN: Readonly<Record<ReturnProgress, Tag>> = {
  EXPECTED: { label: 'Expected', tag: 'tag-caution' },
  WITHDRAWN: { label: 'Withdrawn', tag: '' },
  RECEIVED: { label: 'Received', tag: 'tag-good' },
  REFUSED: { label: 'Refused', tag: 'tag-bad' },
};

export const REFUND: Readonly<Record<RefundStatus, Tag>> = {
  REQUESTED: { label: 'With the provider', tag: '' },
  DONE: { label: 'Refunded', tag: 'tag-good' },
  TO_PAY_BY_HAND: { label: 'To pay by hand', tag: 'tag-caution' },
  PAID_BY_HAND: { label: 'Paid by hand', tag: 'tag-good' },
};

export const DISPUTE: Readonly<Record<DisputeStatus, Tag>> = {
  OPEN: { label: 'Disputed', tag: 'tag-bad' },
  WON: { label: 'Won', tag: 'tag-good' },
  LOST: { label: 'Lost', tag: 'tag-bad' },
};

export const PAYMENT: Readonly<Record<PaymentStatus, Tag>> = {
  OPEN: { label: 'Open', tag: 'tag-caution' },
  SUBMITTED: { label: 'With the provider', tag: 'tag-caution' },
  CHALLENGED: { label: 'With the bank', tag: 'tag-caution' },
  SUCCEEDED: { label: 'Agreed', tag: 'tag-good' },
  VOIDED: { label: 'Nothing to pay', tag: '' },
  FAILED: { label: 'Failed', tag: 'tag-bad' },
};

export const METHODS: Readonly<Record<PaymentMethod, string>> = { COD: 'Cash', CARD: 'Card' };

export const COMEBACKS: Readonly<Record<ComebackReason, string>> = {
  REFUSED: 'It was not accepted at the door',
  UNDELIVERABLE: 'It could not be delivered',
  OTHER: 'Something else',
};

export const REFUSALS: Readonly<Record<RefusalChoice, string>> = {
  NEVER_ARRIVED: 'It never arrived',
  NOT_OURS: 'It is not ours',
  USED: 'It was used',
  OTHER: 'Something else',
};

const RETURN_REASONS: Readonly<Record<string, string>> = {
  CHANGED_MIND: 'Changed their mind',
  DAMAGED: 'Damaged, or does not work',
  WRONG_ITEM: 'Not what was ordered',
  NOT_AS_DESCRIBED: 'Not as described',
};

const CAME_BACK: Readonly<Record<string, string>> = {
  REFUSED: 'Not accepted at the door',
  UNDELIVERABLE: 'Could not be delivered',
  LOST: 'Lost on its way',
};

/** Why it is sent back; a reason that is newer than this page reads as another one. */
export function reasonOf({ reason }: ExpectedReturn): string {
  return RETURN_REASONS[reason] ?? 'Something else';
}

export function comebackOf({ cameBack }: ShipmentView): string {
  return cameBack === null ? '' : (CAME_BACK[cameBack] ?? 'Something else');
}

/** Of all products together. */
export function piecesOf(lines: readonly { readonly quantity: number }[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** "2 × Morning Mug, 1 × Backpack" */
export function contentsOf(lines: readonly { readonly name: string; readonly quantity: number }[]): string {
  return lines.map(({ name, quantity }) => `${quantity} × ${name}`).join(', ');
}

/** Lines by the names of their products, as the order has them. */
export function named<T extends { readonly productId: string }>(
  lines: readonly T[],
  items: readonly OrderItem[],
): readonly (T & { readonly name: string })[] {
  const names = new Map(items.map(({ productId, name }) => [productId, name]));
  return lines.map((line) => ({ ...line, name: names.get(line.productId) ?? line.productId }));
}

/** Whom it goes to, in a line. */
export function destinationOf({ shippingAddress }: ShipmentView): string {
  if (!shippingAddress) return '';
  const { name, city, country } = shippingAddress;
  return [...new Set([name, city, nameOf(country)])].join(', ');
}

/** Whether what somebody looks for is in a parcel: its order's number or id, its person, or what is in it. */
export function matches(shipment: ShipmentView, wanted: string): boolean {
  const text = [
    orderNumber(shipment.orderId),
    shipment.orderId,
    shipment.userEmail,
    destinationOf(shipment),
    shipment.parcel?.trackingNumber,
    ...shipment.items.map(({ name }) => name),
  ]
    .join('\n')
    .toLowerCase();
  return text.includes(wanted.trim().toLowerCase());
}

/** A member of staff, as far as a page can tell: user ids stand in the record, and not who they are. */
export function whoOf(userId: string | null, me: string | null): string {
  if (userId === null) return '';
  return userId === me ? 'You' : `Staff ${userId.slice(0, 8)}`;
}

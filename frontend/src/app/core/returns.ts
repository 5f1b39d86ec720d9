import { OrderView, RefundView, ReturnChoice, ReturnStatus, ReturnView } from '../api/models';
import { formatMoney } from './format';

/** Why something is sent back, as the shopper chooses it. */
export const RETURN_REASONS: Readonly<Record<ReturnChoice, string>> = {
  CHANGED_MIND: 'I changed my mind',
  DAMAGED: 'It arrived damaged, or does not work',
  WRONG_ITEM: 'It is not what I ordered',
  NOT_AS_DESCRIBED: 'It is not as described',
  OTHER: 'Something else',
};

/** Where a return stands, in a word or two. */
export const RETURN_STATUS: Readonly<Record<ReturnStatus, { readonly label: string; readonly tag: string }>> = {
  REQUESTED: { label: 'Awaiting your parcel', tag: 'tag-caution' },
  ACCEPTED: { label: 'Received', tag: 'tag-good' },
  REFUSED: { label: 'Not accepted', tag: 'tag-bad' },
  WITHDRAWN: { label: 'Withdrawn', tag: '' },
};

/** Why nothing of a return was taken. */
export function refusalOf(reason: string | null): string {
  switch (reason) {
    case 'NEVER_ARRIVED':
      return 'The items did not arrive here. If you sent them, please write to us with the carrier’s receipt.';
    case 'NOT_OURS':
      return 'What arrived is not what you ordered from us.';
    case 'USED':
      return 'The items have been used.';
    default:
      return 'We could not take the items back.';
  }
}

/** What a return is about: what was taken of it, or else what was announced. */
export function piecesOf({ lines, taken }: ReturnView, { items }: OrderView): readonly string[] {
  const names = new Map(items.map(({ productId, name }) => [productId, name]));
  return (taken.length ? taken : lines).map(
    ({ productId, quantity }) => `${quantity} × ${names.get(productId) ?? productId}`,
  );
}

/** What becomes, or became, of a return, in a sentence. */
export function outcomeOf(each: ReturnView, refund: RefundView | undefined): string {
  switch (each.status) {
    case 'REQUESTED':
      return 'We have e-mailed you how to send it.';
    case 'WITHDRAWN':
      return 'You keep the items. Should they be on their way already, we still take them back.';
    case 'REFUSED':
      return refusalOf(each.refusal);
    case 'ACCEPTED':
      return refund ? refundOf(refund) : 'We are working out your refund.';
  }
}

function refundOf({ amount, status }: RefundView): string {
  if (!amount.amount) return 'There was nothing left to pay back.';
  switch (status) {
    case 'REQUESTED':
      return `We are refunding ${formatMoney(amount)}.`;
    case 'DONE':
      return `We refunded ${formatMoney(amount)}.`;
    case 'TO_PAY_BY_HAND':
      return `We owe you ${formatMoney(amount)}, and will write to you to agree on how you get it.`;
    case 'PAID_BY_HAND':
      return `We paid ${formatMoney(amount)} back to you.`;
  }
}

/** Whether something of the order can be sent back now. */
export function isReturnable({ returnable }: OrderView): boolean {
  return returnable.some(({ quantity }) => quantity > 0);
}

/** What a shopper writes on a slip in the parcel, 9C4HD81XWE of `ret_9c4hd81xwe2b4c6dabcd`. */
export function returnNumber(returnId: string): string {
  return returnId
    .replace(/^ret_/, '')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .slice(0, 10)
    .toUpperCase();
}

import { RecordedEntry, ShipmentView, StaffOrder } from '../../api/models';
import { linesOf } from './story';

function entry(event: string, at: string, more: Partial<RecordedEntry> = {}): RecordedEntry {
  const none = {
    about: null,
    amount: null,
    attempt: null,
    by: null,
    note: null,
    reference: null,
    reason: null,
    shortages: [],
  };
  return { event, at, causedBy: event, status: 'CONFIRMED', ...none, ...more };
}

describe('what happened to an order', () => {
  it('has what staff did with its parcel in its place, and says who', () => {
    const order = {
      story: [
        entry('OrderPlaced', '2026-11-22T10:00:00.500Z'),
        entry('CancelledByShop', '2026-11-22T13:00:00Z', { by: 'u-2', note: 'Sorry', reason: 'BY_SHOP' }),
      ],
    } as Partial<StaffOrder> as StaffOrder;
    const shipment = {
      story: [
        { what: 'OrderConfirmed', at: '2026-11-22T11:00:00Z', by: null, about: null },
        { what: 'Ship', at: '2026-11-22T12:00:00Z', by: 'u-1', about: null },
      ],
    } as Partial<ShipmentView> as ShipmentView;
    expect(linesOf(order, shipment).map(({ what, by, details }) => [what, by, details])).toEqual([
      ['Order placed', null, ''],
      ['Gave the parcel to the carrier', 'u-1', ''],
      ['Cancelled by the shop', 'u-2', 'by shop · “Sorry”'],
    ]);
  });

  it('says which e-mail came back, and why', () => {
    const story = [
      entry('MailFeedbackReceived', '2026-11-22T10:00:00Z', { about: 'OrderConfirmed', reason: 'Bounce' }),
      entry('MailFeedbackReceived', '2026-11-22T11:00:00Z', { about: 'ShipmentDispatched', reason: 'Complaint' }),
    ];
    expect(
      linesOf({ story } as Partial<StaffOrder> as StaffOrder, null).map(({ what, details }) => [what, details]),
    ).toEqual([
      ['E-mail came back', 'not delivered · “Confirmed”'],
      ['E-mail came back', 'marked as spam · “Shipped”'],
    ]);
  });

  it('shows a step that is newer than the page by its own name, with all that is said of it', () => {
    const story = [
      entry('SomethingNew', '2026-11-22T10:00:00Z', {
        about: 'ret_9c4hd81xwe2b',
        amount: { amount: 1990, currency: 'SGD' },
        attempt: 2,
        shortages: [{ productId: 'mug', requested: 3, available: 1 }],
      }),
    ];
    const [line] = linesOf({ story } as Partial<StaffOrder> as StaffOrder, null);
    expect(line?.what).toBe('SomethingNew');
    expect(line?.details).toBe('attempt 2 · return 9C4HD81XWE · SGD\u00a019.90 · mug: 3 wanted, 1 there');
  });
});

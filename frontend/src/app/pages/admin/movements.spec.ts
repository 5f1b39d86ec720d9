import { HistoryMovement } from '../../api/models';
import { changeOf, effectOf, signed } from './movements';

const NOTHING = { available: 0, reserved: 0, sold: 0, writtenOff: 0 };

function movement(kind: HistoryMovement['kind']): HistoryMovement {
  const before = { available: 12, lowAt: null };
  return { kind, before, after: { available: 9, lowAt: 5 } } as Partial<HistoryMovement> as HistoryMovement;
}

describe('a movement of stock', () => {
  it('says how many there were and are, or what the threshold was and is', () => {
    expect(changeOf(movement('COUNT'))).toBe('12 → 9');
    expect(changeOf(movement('THRESHOLD'))).toBe('none → 5');
  });

  it('says what orders have changed before it, and only that', () => {
    expect(effectOf({ ...NOTHING, available: -2, sold: 2 })).toBe('−2 available, +2 sold');
    expect([signed(0), signed(3), signed(-3)]).toEqual(['0', '+3', '−3']);
  });
});

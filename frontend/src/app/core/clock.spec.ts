import { TestBed } from '@angular/core/testing';
import { Clock } from './clock';

const SHOP = Date.parse('2026-11-27T05:30:00Z');

describe("The shop's clock", () => {
  let clock: Clock;
  let steady: number;

  const date = (ms: number) => new Date(SHOP + ms).toUTCString();

  beforeEach(() => {
    steady = 5_000;
    vi.spyOn(performance, 'now').mockImplementation(() => steady);
    // The device's own is 20 minutes fast.
    vi.spyOn(Date, 'now').mockReturnValue(SHOP + 20 * 60_000);
    clock = TestBed.inject(Clock);
  });

  afterEach(() => vi.restoreAllMocks());

  it("is the device's until the shop has answered", () => {
    expect(clock.now()).toBe(SHOP + 20 * 60_000);
    clock.learn(null, steady);
    expect(clock.now()).toBe(SHOP + 20 * 60_000);
  });

  it("is right within a second after the first answer, whatever the device's says", () => {
    const sent = steady;
    steady += 40;
    clock.learn(date(0), sent);
    expect(Math.abs(clock.now() - (SHOP + 500))).toBeLessThan(50);
    steady += 60_000;
    expect(Math.abs(clock.now() - (SHOP + 60_500))).toBeLessThan(50);
  });

  it('is not moved by a slow answer, which says less', () => {
    clock.learn(date(0), steady);
    const before = clock.now();
    const sent = steady;
    steady += 9_000;
    clock.learn(date(0), sent);
    expect(clock.now() - before).toBe(9_000);
  });

  it('is set anew after the device has slept', () => {
    clock.learn(date(0), steady);
    clock.learn(date(3_600_000), steady);
    expect(Math.abs(clock.now() - (SHOP + 3_600_500))).toBeLessThan(50);
  });
});

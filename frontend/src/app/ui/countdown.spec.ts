import { ComponentFixture, TestBed } from '@angular/core/testing';
import { Countdown } from './countdown';

describe('The countdown', () => {
  let fixture: ComponentFixture<Countdown>;
  let ends: number;

  const text = (selector: string) => (fixture.nativeElement as HTMLElement).querySelector(selector)?.textContent.trim();

  async function after(seconds: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    TestBed.tick();
  }

  beforeEach(() => {
    vi.useFakeTimers({ now: Date.parse('2026-11-22T10:00:00Z') });
    fixture = TestBed.createComponent(Countdown);
    fixture.componentRef.setInput('until', '2026-11-22T10:02:05Z');
    ends = 0;
    fixture.componentInstance.timeUp.subscribe(() => ends++);
    TestBed.tick();
  });

  afterEach(() => vi.useRealTimers());

  it('shows minutes and seconds, and says aloud only now and then', async () => {
    expect([text('[role=timer]'), text('[aria-live=polite]')]).toEqual(['2:05', '']);
    await after(5);
    expect([text('[role=timer]'), text('[aria-live=polite]')]).toEqual(['2:00', '2 minutes left']);
    await after(10);
    expect([text('[role=timer]'), text('[aria-live=polite]')]).toEqual(['1:50', '2 minutes left']);
    await after(50);
    expect([text('[role=timer]'), text('[aria-live=polite]')]).toEqual(['1:00', '1 minute left']);
  });

  it('tells once that the time is up, and never counts below', async () => {
    await after(124);
    expect(ends).toBe(0);
    await after(60);
    expect([text('[role=timer]'), text('[aria-live=polite]'), ends]).toEqual(['0:00', 'The time is up.', 1]);
  });
});

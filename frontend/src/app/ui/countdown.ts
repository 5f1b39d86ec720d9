import { Component, DestroyRef, computed, effect, inject, input, output, signal, untracked } from '@angular/core';
import { Clock } from '../core/clock';

/** Seconds left at which it is said aloud; each second would be noise. */
const SAID = [600, 300, 120, 60, 30];

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** The time until a moment, by the second for those who look and now and then for those who listen. */
@Component({
  selector: 'shop-countdown',
  template: `
    <span class="countdown" [class.countdown-short]="left() <= 60" role="timer" aria-live="off">{{ clock() }}</span>
    <span class="visually-hidden" aria-live="polite">{{ said() }}</span>
  `,
})
export class Countdown {
  /** ISO 8601 */
  readonly until = input.required<string>();
  /** The moment has come. */
  readonly timeUp = output();

  private readonly shopClock = inject(Clock);
  private readonly now = signal(this.shopClock.now());
  /** Seconds. */
  protected readonly left = computed(() => Math.max(0, Math.ceil((Date.parse(this.until()) - this.now()) / 1000)));
  protected readonly clock = computed(() => {
    const [minutes, seconds] = [Math.floor(this.left() / 60), this.left() % 60];
    return `${minutes}:${String(seconds).padStart(2, '0')}`;
  });
  protected readonly said = signal('');

  constructor() {
    const timer = setInterval(() => this.now.set(this.shopClock.now()), 1000);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
    let before = Infinity;
    effect(() => {
      const left = this.left();
      untracked(() => {
        const passed = SAID.find((mark) => left <= mark && before > mark && before !== Infinity);
        if (passed) this.said.set(`${passed >= 60 ? plural(passed / 60, 'minute') : plural(passed, 'second')} left`);
        if (left === 0 && before > 0) {
          this.said.set('The time is up.');
          this.timeUp.emit();
        }
        before = left;
      });
    });
  }
}

import { Injectable } from '@angular/core';

/** Milliseconds: a Date header has whole seconds. */
const RESOLUTION = 1_000;

/**
 * The shop's time. A device's own clock may be wrong by minutes; each of the shop's answers says what time it is there.
 *
 *     device   sent ............... received
 *     shop           [Date, Date + 1 s)              so that  Date - received <= difference < Date + 1 s - sent
 */
@Injectable({ providedIn: 'root' })
export class Clock {
  /** Bounds of the difference to the device's steady clock, in milliseconds; each answer narrows them. */
  private least = -Infinity;
  private most = Infinity;

  /** Milliseconds since 1970, by the shop's clock; by the device's until the first answer. */
  now(): number {
    return Number.isFinite(this.least) ? performance.now() + (this.least + this.most) / 2 : Date.now();
  }

  /**
   * Learn the time from an answer that has just come.
   *
   * @param date its Date header.
   * @param sent by `performance.now()`, when it was asked for.
   */
  learn(date: string | null, sent: number): void {
    const at = Date.parse(date ?? '');
    if (Number.isNaN(at)) return;
    const [least, most] = [at - performance.now(), at + RESOLUTION - sent];
    // Where they contradict what was known, the device has slept, and its steady clock with it.
    const slept = least > this.most || most < this.least;
    this.least = slept ? least : Math.max(least, this.least);
    this.most = slept ? most : Math.min(most, this.most);
  }
}

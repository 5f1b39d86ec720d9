import { Pipe, PipeTransform, inject } from '@angular/core';
import { Clock } from '../core/clock';
import { LOCALE } from '../core/format';

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];

/**
 * How far away a moment is, in its largest whole unit: "3 hours ago", "in 11 days".
 *
 * @param moment ISO 8601.
 * @param now milliseconds since 1970, by the shop's clock.
 */
export function fromNow(moment: string, now: number): string {
  const distance = Date.parse(moment) - now;
  const [unit, length] = UNITS.find(([, length]) => Math.abs(distance) >= length) ?? UNITS.at(-1)!;
  return new Intl.RelativeTimeFormat(LOCALE).format(Math.trunc(distance / length), unit);
}

/** `{{ letter.since | fromNow }}` */
@Pipe({ name: 'fromNow' })
export class FromNowPipe implements PipeTransform {
  private readonly clock = inject(Clock);

  transform(moment: string): string {
    return fromNow(moment, this.clock.now());
  }
}

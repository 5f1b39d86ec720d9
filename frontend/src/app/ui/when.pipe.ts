import { Pipe, PipeTransform } from '@angular/core';

const FORMATS = {
  day: { dateStyle: 'long' },
  moment: { dateStyle: 'medium', timeStyle: 'short' },
  time: { timeStyle: 'short' },
  second: { timeStyle: 'medium' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** `{{ order.createdAt | when }}`: a moment (ISO 8601) in words of the visitor's locale and time zone. */
@Pipe({ name: 'when' })
export class WhenPipe implements PipeTransform {
  transform(moment: string, format: keyof typeof FORMATS = 'moment'): string {
    return new Intl.DateTimeFormat(navigator.language, FORMATS[format]).format(new Date(moment));
  }
}

import { Pipe, PipeTransform } from '@angular/core';
import { MomentFormat, formatMoment } from '../core/format';

/** `{{ order.createdAt | when }}`: a moment (ISO 8601) in words, in the visitor's time zone. */
@Pipe({ name: 'when' })
export class WhenPipe implements PipeTransform {
  transform(moment: string, format: MomentFormat = 'moment'): string {
    return formatMoment(moment, format);
  }
}

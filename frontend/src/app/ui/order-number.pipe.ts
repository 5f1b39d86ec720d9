import { Pipe, PipeTransform } from '@angular/core';
import { orderNumber } from '../core/format';

/** `{{ order.orderId | orderNumber }}` */
@Pipe({ name: 'orderNumber' })
export class OrderNumberPipe implements PipeTransform {
  transform(orderId: string): string {
    return orderNumber(orderId);
  }
}

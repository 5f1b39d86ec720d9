import { Pipe, PipeTransform } from '@angular/core';
import { Money } from '../api/models';
import { formatMoney } from '../core/format';

/** `{{ product.price | money }}` */
@Pipe({ name: 'money' })
export class MoneyPipe implements PipeTransform {
  transform(money: Money): string {
    return formatMoney(money);
  }
}

import { Component, computed, input } from '@angular/core';
import { OrderStatus } from '../api/models';
import { STATUS } from '../core/order-story';

@Component({
  selector: 'shop-order-status',
  host: { '[class]': '"tag " + shown().tag' },
  template: `{{ shown().label }}`,
})
export class OrderStatusTag {
  readonly status = input.required<OrderStatus>();
  protected readonly shown = computed(() => STATUS[this.status()]);
}

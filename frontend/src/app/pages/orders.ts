import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-orders',
  imports: [Heading],
  template: `<h1 shopHeading>Your orders</h1>`,
})
export default class OrdersPage {}

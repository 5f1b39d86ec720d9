import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-order',
  imports: [Heading],
  template: `<h1 shopHeading>Order</h1>`,
})
export default class OrderPage {}

import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-checkout',
  imports: [Heading],
  template: `<h1 shopHeading>Checkout</h1>`,
})
export default class CheckoutPage {}

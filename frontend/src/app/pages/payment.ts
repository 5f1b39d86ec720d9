import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-payment',
  imports: [Heading],
  template: `<h1 shopHeading>Payment</h1>`,
})
export default class PaymentPage {}

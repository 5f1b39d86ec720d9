import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-cart',
  imports: [Heading],
  template: `<h1 shopHeading>Cart</h1>`,
})
export default class CartPage {}

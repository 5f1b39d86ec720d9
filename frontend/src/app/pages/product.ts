import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-product',
  imports: [Heading],
  template: `<h1 shopHeading>Product</h1>`,
})
export default class ProductPage {}

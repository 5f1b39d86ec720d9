import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-products',
  imports: [Heading],
  template: `<h1 shopHeading>Products</h1>`,
})
export default class ProductsPage {}

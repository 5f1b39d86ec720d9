import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-home',
  imports: [Heading],
  template: `<h1 shopHeading>CloudRetail</h1>`,
})
export default class HomePage {}

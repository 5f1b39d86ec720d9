import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-confirmation',
  imports: [Heading],
  template: `<h1 shopHeading>Order confirmed</h1>`,
})
export default class ConfirmationPage {}

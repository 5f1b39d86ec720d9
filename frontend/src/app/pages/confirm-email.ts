import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-confirm-email',
  imports: [Heading],
  template: `<h1 shopHeading>Confirm your e-mail address</h1>`,
})
export default class ConfirmEmailPage {}

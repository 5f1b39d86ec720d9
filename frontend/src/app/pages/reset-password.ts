import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-reset-password',
  imports: [Heading],
  template: `<h1 shopHeading>New password</h1>`,
})
export default class ResetPasswordPage {}

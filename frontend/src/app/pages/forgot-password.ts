import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-forgot-password',
  imports: [Heading],
  template: `<h1 shopHeading>Forgot password</h1>`,
})
export default class ForgotPasswordPage {}

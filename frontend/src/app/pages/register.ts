import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-register',
  imports: [Heading],
  template: `<h1 shopHeading>Register</h1>`,
})
export default class RegisterPage {}

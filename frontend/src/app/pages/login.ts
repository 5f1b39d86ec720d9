import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-login',
  imports: [Heading],
  template: `<h1 shopHeading>Log in</h1>`,
})
export default class LoginPage {}

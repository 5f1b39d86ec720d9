import { Component } from '@angular/core';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-ops',
  imports: [Heading],
  template: `<h1 shopHeading>Operations</h1>`,
})
export default class OpsPage {}

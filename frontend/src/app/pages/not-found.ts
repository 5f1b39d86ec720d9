import { Component } from '@angular/core';
import { RouterLink } from '@angular/router';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-not-found',
  imports: [Heading, RouterLink],
  host: { class: 'wrap blank' },
  template: `
    <h1 shopHeading>There is nothing at this address</h1>
    <p>The page may have moved, or the link may be incomplete.</p>
    <a class="button" routerLink="/products">See all products</a>
  `,
})
export default class NotFoundPage {}

import { Component } from '@angular/core';
import { Heading } from '../core/headings';
import { BlankImage } from '../ui/blank-image';
import { WayOn } from '../ui/way-on';

@Component({
  selector: 'shop-not-found',
  imports: [BlankImage, Heading, WayOn],
  host: { class: 'wrap blank' },
  template: `
    <shop-blank-image icon="search" />
    <h1 shopHeading>Page not found</h1>
    <p>The link may be wrong, or the page may have moved. Here are some places to go from here.</p>
    <shop-way-on />
  `,
})
export default class NotFoundPage {}

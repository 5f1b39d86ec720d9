import '../../styles/later';
import { Component, inject, input } from '@angular/core';
import { Router } from '@angular/router';
import { Heading } from '../core/headings';
import { resource } from '../core/recovery';
import { Texts } from '../core/texts';
import { Html } from '../ui/html';
import { Problem } from '../ui/problem';
import { Skeleton } from '../ui/skeleton';

/** What the shop has to say of itself: terms, privacy, and the like. */
@Component({
  selector: 'shop-text',
  imports: [Heading, Html, Problem, Skeleton],
  host: { class: 'wrap text' },
  template: `
    <h1 shopHeading>{{ title() }}</h1>
    @if (text.hasValue()) {
      <div [shopHtml]="text.value()" (click)="follow($event)"></div>
    } @else if (text.error()) {
      <shop-problem [error]="text.error()" />
    } @else {
      <div aria-busy="true"><shop-skeleton height="18rem" /></div>
    }
  `,
})
export default class TextPage {
  private readonly texts = inject(Texts);
  private readonly router = inject(Router);

  // From the route.
  readonly name = input.required<string>();
  readonly title = input.required<string>();

  protected readonly text = resource({
    params: () => this.name(),
    loader: ({ params }) => this.texts.get(params),
  });

  /** A link to another page of the shop loads nothing anew. */
  protected follow(event: MouseEvent): void {
    const link = (event.target as Element).closest('a');
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (elsewhere || link?.origin !== location.origin) return;
    event.preventDefault();
    void this.router.navigateByUrl(link.pathname);
  }
}

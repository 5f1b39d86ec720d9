import { Component, computed, inject } from '@angular/core';
import { Failure } from '../core/failure';
import { Heading } from '../core/headings';

@Component({
  selector: 'shop-error',
  imports: [Heading],
  host: { class: 'wrap blank' },
  template: `
    <h1 shopHeading>This page could not be opened</h1>
    <p>{{ message() }}</p>
    <!-- A real load, not a navigation: it fetches the shop anew. -->
    <a class="button" [href]="url()">Try again</a>
  `,
})
export default class ErrorPage {
  private readonly failure = inject(Failure).page;
  protected readonly message = computed(() => this.failure()?.message ?? 'Something went wrong.');
  protected readonly url = computed(() => this.failure()?.url ?? '/');
}

import { Directive, ElementRef, Injectable, afterNextRender, inject } from '@angular/core';
import { NavigationEnd, NavigationStart, Router } from '@angular/router';

function path(url: string): string {
  return url.split(/[?#]/, 1)[0]!;
}

/**
 * Moves the focus to a new page's heading, as a browser does that loads one: keyboard and screen reader go on there.
 * Not at the first page, where the browser has done it, nor when only the filters in the address change.
 */
@Injectable({ providedIn: 'root' })
export class Headings {
  private shownPath: string | null = null;
  private pending = false;

  constructor() {
    inject(Router).events.subscribe((event) => {
      if (event instanceof NavigationStart) this.pending = false;
      if (event instanceof NavigationEnd) {
        const next = path(event.urlAfterRedirects);
        this.pending = this.shownPath !== null && this.shownPath !== next;
        this.shownPath = next;
      }
    });
  }

  /** Whether the next heading that shows shall have the focus; asking uses it up. */
  take(): boolean {
    const pending = this.pending;
    this.pending = false;
    return pending;
  }
}

/** The heading of a page: `<h1 shopHeading>`. It may appear later than the page, once its text is known. */
@Directive({ selector: 'h1[shopHeading]', host: { tabindex: '-1' } })
export class Heading {
  constructor() {
    const headings = inject(Headings);
    const element: HTMLElement = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
    afterNextRender(() => {
      // A page is created a little before its navigation ends.
      setTimeout(() => headings.take() && element.focus({ preventScroll: true }));
    });
  }
}

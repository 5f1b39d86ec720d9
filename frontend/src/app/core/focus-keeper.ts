import { DOCUMENT, Injectable, inject } from '@angular/core';

/** What takes the focus over: an answer that waits for it, else a heading. */
const HEIRS = '[tabindex="-1"], h1, h2, h3';

/**
 * Keeps the focus in its place when what had it vanishes: the last line of a cart, a form whose time is up. Left to the
 * browser it would go to the top of the page, where keyboard and screen reader begin anew. The place is the nearest
 * part of the page around it that is still there and can have it.
 */
@Injectable({ providedIn: 'root' })
export class FocusKeeper {
  private readonly document = inject(DOCUMENT);
  /** What had the focus last, and what is around it, from the inside. */
  private path: readonly Element[] = [];

  constructor() {
    this.document.addEventListener('focusin', ({ target }) => (this.path = around(target)));
    new MutationObserver(() => this.look()).observe(this.document.body, { childList: true, subtree: true });
  }

  private look(): void {
    const [last] = this.path;
    if (!last || last.isConnected || this.document.activeElement !== this.document.body) return;
    const main = this.document.querySelector('main');
    const places = this.path.filter((each) => each.isConnected);
    this.path = [];
    for (const place of places) {
      // A whole page went: the next one's heading takes the focus.
      if (place.contains(main)) return;
      const heir = place.matches(HEIRS) ? place : place.querySelector(HEIRS);
      if (heir instanceof HTMLElement) {
        if (!heir.hasAttribute('tabindex')) heir.tabIndex = -1;
        heir.focus({ preventScroll: true });
        return;
      }
    }
  }
}

function around(target: EventTarget | null): Element[] {
  const path: Element[] = [];
  for (let each = target instanceof Element ? target : null; each; each = each.parentElement) path.push(each);
  return path;
}

import { Injectable, computed, inject } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { NavigationEnd, Router } from '@angular/router';
import { filter, map } from 'rxjs';

/** Where the visitor is, as a signal. */
@Injectable({ providedIn: 'root' })
export class CurrentUrl {
  private readonly router = inject(Router);

  private readonly reached = toSignal(
    this.router.events.pipe(
      filter((event) => event instanceof NavigationEnd),
      map((event) => event.urlAfterRedirects),
    ),
  );
  /** As in the address bar: path, query and fragment. */
  readonly url = computed(() => this.reached() ?? this.router.url);
  readonly path = computed(() => pathOf(this.url()));
  /** The path of the page that shows; undefined before the first one does. */
  readonly shown = computed(() => this.reached() && pathOf(this.reached()!));
  readonly query = computed(() => this.router.parseUrl(this.url()).queryParamMap);
}

function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0]!;
}

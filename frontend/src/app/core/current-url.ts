import { Injectable, computed, inject } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { NavigationEnd, Router } from '@angular/router';
import { filter, map } from 'rxjs';

/** Where the visitor is, as a signal. */
@Injectable({ providedIn: 'root' })
export class CurrentUrl {
  private readonly router = inject(Router);

  /** As in the address bar: path, query and fragment. */
  readonly url = toSignal(
    this.router.events.pipe(
      filter((event) => event instanceof NavigationEnd),
      map((event) => event.urlAfterRedirects),
    ),
    { initialValue: this.router.url },
  );
  readonly path = computed(() => this.url().split(/[?#]/, 1)[0]!);
  readonly query = computed(() => this.router.parseUrl(this.url()).queryParamMap);
}

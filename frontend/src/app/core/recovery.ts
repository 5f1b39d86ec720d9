import {
  DestroyRef,
  Injectable,
  ResourceOptions,
  ResourceRef,
  resource as angularResource,
  effect,
  inject,
  signal,
  untracked,
} from '@angular/core';
import { NavigationEnd, Router } from '@angular/router';

/** When what has failed is worth another try: the device is online again, a page was opened, somebody asks for it. */
@Injectable({ providedIn: 'root' })
export class Recovery {
  private readonly tries = signal(0);
  /** Counts the occasions. */
  readonly occasion = this.tries.asReadonly();

  constructor() {
    inject(Router).events.subscribe((event) => {
      if (event instanceof NavigationEnd) this.again();
    });
    const again = () => this.again();
    addEventListener('online', again);
    inject(DestroyRef).onDestroy(() => removeEventListener('online', again));
  }

  /** Try again whatever has failed. */
  again(): void {
    this.tries.update((count) => count + 1);
  }
}

/** At each occasion, do `again` if it `failed` before. */
export function onRecovery(failed: () => boolean, again: () => void): void {
  const { occasion } = inject(Recovery);
  effect(() => {
    if (occasion() === 0) return;
    untracked(() => {
      if (failed()) again();
    });
  });
}

/** Angular's resource, loaded again, once it has failed, at each occasion. Every page uses this one. */
export function resource<T, R>(options: ResourceOptions<T, R>): ResourceRef<T | undefined> {
  const loaded = angularResource(options);
  onRecovery(
    () => loaded.status() === 'error',
    () => loaded.reload(),
  );
  return loaded;
}

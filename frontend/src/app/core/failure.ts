import { ErrorHandler, Injectable, inject, signal } from '@angular/core';
import { NavigationError, RedirectCommand, Router } from '@angular/router';
import { ApiError } from './problem';
import { Toasts } from './toasts';

/** Why a page could not be opened, and which; the error page shows it. */
@Injectable({ providedIn: 'root' })
export class Failure {
  readonly page = signal<{ readonly url: string; readonly message: string } | null>(null);
}

/** Errors that no page has caught. */
@Injectable()
export class UnexpectedErrorHandler implements ErrorHandler {
  private readonly toasts = inject(Toasts);

  handleError(error: unknown): void {
    if (error instanceof ApiError) {
      this.toasts.problem(error.message);
    } else {
      console.error(error);
      this.toasts.problem('Something went wrong on this page. Reloading it may help.');
    }
  }
}

/** A page that cannot be opened: its script does not load, or a guard cannot ask the shop. The address stays. */
export function showFailure(failed: NavigationError): RedirectCommand {
  const router = inject(Router);
  const error: unknown = failed.error;
  const message =
    error instanceof ApiError
      ? error.message
      : 'You may be offline, or we may have just updated the shop. Please try again.';
  if (!(error instanceof ApiError)) console.error(error);
  inject(Failure).page.set({ url: failed.url, message });
  return new RedirectCommand(router.parseUrl('/error'), { skipLocationChange: true });
}

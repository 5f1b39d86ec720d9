import { provideHttpClient, withInterceptors } from '@angular/common/http';
import {
  ApplicationConfig,
  ErrorHandler,
  inject,
  provideAppInitializer,
  provideBrowserGlobalErrorListeners,
  provideZonelessChangeDetection,
} from '@angular/core';
import {
  TitleStrategy,
  provideRouter,
  withComponentInputBinding,
  withInMemoryScrolling,
  withNavigationErrorHandler,
} from '@angular/router';
import { provideApiConfiguration } from './api/api-configuration';
import { routes } from './app.routes';
import { broughtAlong } from './core/answers';
import { CartStore } from './core/cart';
import { UnexpectedErrorHandler, showFailure } from './core/failure';
import { FocusKeeper } from './core/focus-keeper';
import { Headings } from './core/headings';
import { leaveWhenSessionEnds } from './core/guards';
import { authorize, explain, readClock } from './core/interceptors';
import { Session } from './core/session';
import { Titles } from './core/titles';

export const config: ApplicationConfig = {
  providers: [
    provideZonelessChangeDetection(),
    provideBrowserGlobalErrorListeners(),
    { provide: ErrorHandler, useClass: UnexpectedErrorHandler },
    { provide: TitleStrategy, useExisting: Titles },
    provideHttpClient(withInterceptors([broughtAlong, explain, authorize, readClock])),
    // One origin for the pages and the API, and its paths begin with /api.
    provideApiConfiguration(''),
    provideRouter(
      routes,
      withComponentInputBinding(),
      withInMemoryScrolling({ scrollPositionRestoration: 'enabled', anchorScrolling: 'enabled' }),
      withNavigationErrorHandler(showFailure),
    ),
    provideAppInitializer(() => {
      inject(Headings);
      inject(FocusKeeper);
      inject(CartStore);
      leaveWhenSessionEnds();
      // The first page does not wait for it; what depends on it says so.
      void inject(Session)
        .restore()
        .catch(() => undefined);
    }),
  ],
};

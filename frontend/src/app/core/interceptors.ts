import { HttpErrorResponse, HttpEvent, HttpInterceptorFn, HttpRequest, HttpResponse } from '@angular/common/http';
import { inject } from '@angular/core';
import { catchError, from, of, switchMap, tap, throwError } from 'rxjs';
import { Clock } from './clock';
import { Session } from './session';
import { toApiError } from './problem';

/** Routes that need no token: a 401 of theirs says something else than that one has run out. */
const WITHOUT_TOKEN = /^\/api\/auth\/(?!me$|second-factor)/;

/**
 * Sends the ID token along, another one where it is about to run out. When it was refused nevertheless (this machine
 * slept, or its clock is wrong), gets another one and repeats the request, once.
 */
export const authorize: HttpInterceptorFn = (request, next) => {
  const session = inject(Session);
  if (session.idToken === null || WITHOUT_TOKEN.test(request.url)) return next(request);
  const userId = session.userId();
  // A shop that cannot answer the refresh may well answer the request.
  const fresh = session.stale ? from(session.refresh().catch(() => false)) : of(true);
  return fresh.pipe(
    switchMap(() => {
      const token = session.idToken;
      // Logged out meanwhile, or in as somebody else, in whose name this must not be done.
      if (token === null || session.userId() !== userId) return throwError(() => notAnyMore(request));
      return next(withToken(request, token)).pipe(
        catchError((error: unknown) => {
          if (!(error instanceof HttpErrorResponse) || error.status !== 401) return throwError(() => error);
          // Somebody else may have got another token since this request went out.
          const renewed = session.idToken === token ? from(session.refresh()) : of(true);
          return renewed.pipe(
            switchMap(() => {
              const other = session.idToken;
              if (other === null || session.userId() !== userId) return throwError(() => error);
              return next(withToken(request, other));
            }),
          );
        }),
      );
    }),
  );
};

/** Makes every failure an ApiError. It stands before `authorize`, so that it is the last to see an answer. */
export const explain: HttpInterceptorFn = (request, next) =>
  next(request).pipe(
    catchError((error: unknown) => throwError(() => (error instanceof HttpErrorResponse ? toApiError(error) : error))),
  );

/** Learns from each answer what time it is at the shop. It stands last, so that nothing else takes time in between. */
export const readClock: HttpInterceptorFn = (request, next) => {
  const clock = inject(Clock);
  const sent = performance.now();
  const learn = (answer: unknown) => {
    if (answer instanceof HttpResponse || answer instanceof HttpErrorResponse) {
      clock.learn(answer.headers.get('Date'), sent);
    }
  };
  return next(request).pipe(tap<HttpEvent<unknown>>({ next: learn, error: learn }));
};

function withToken(request: HttpRequest<unknown>, token: string): HttpRequest<unknown> {
  return request.clone({ setHeaders: { Authorization: `Bearer ${token}` } });
}

/** What the gateway would answer. */
function notAnyMore(request: HttpRequest<unknown>): HttpErrorResponse {
  return new HttpErrorResponse({ status: 401, statusText: 'Unauthorized', url: request.url });
}

import { effect, inject, untracked } from '@angular/core';
import { ActivatedRouteSnapshot, CanActivateFn, RedirectCommand, Router } from '@angular/router';
import { Session } from './session';
import { Toasts } from './toasts';

/**
 * Where to go after logging in.
 *
 * @param next as it stood in the address bar, so by anybody; only a path of this shop is followed.
 */
export function safeNext(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) && !next.startsWith('/login') ? next : '/';
}

/** Lets those pass who are logged in; the others log in first and then come back to where they wanted to go. */
export const signedIn: CanActivateFn = async (_route, state) => {
  const [session, router] = [inject(Session), inject(Router)];
  if (await session.restore()) return true;
  return router.createUrlTree(['/login'], { queryParams: { next: state.url } });
};

/** Lets guests pass; who is logged in already has no use for a log-in page. */
export const guest: CanActivateFn = async (route) => {
  const [session, router] = [inject(Session), inject(Router)];
  const known = await session.restore().catch(() => false);
  return known ? router.parseUrl(safeNext(route.queryParamMap.get('next') ?? undefined)) : true;
};

/** Lets those pass whom the page is for; to others there is no such page. */
function only(isFor: (session: Session) => boolean): CanActivateFn {
  return async (_route, state) => {
    const [session, router] = [inject(Session), inject(Router)];
    if (!(await session.restore())) return router.createUrlTree(['/login'], { queryParams: { next: state.url } });
    return isFor(session) || new RedirectCommand(router.parseUrl('/not-found'), { skipLocationChange: true });
  };
}

export const operator = only((session) => session.isOperator());
export const staff = only((session) => session.isStaff());

const GUARDS: readonly unknown[] = [signedIn, operator, staff];

function isGuarded(route: ActivatedRouteSnapshot | null): boolean {
  for (; route; route = route.firstChild) {
    if (route.routeConfig?.canActivate?.some((guard) => GUARDS.includes(guard))) return true;
  }
  return false;
}

/** When a session ends by itself, a page that is for shoppers only is left for the log-in page, which leads back. */
export function leaveWhenSessionEnds(): void {
  const [session, router, toasts] = [inject(Session), inject(Router), inject(Toasts)];
  effect(() => {
    if (!session.expired()) return;
    untracked(() => {
      toasts.problem('Your session has ended. Please log in again.');
      if (isGuarded(router.routerState.snapshot.root)) {
        void router.navigate(['/login'], { queryParams: { next: router.url } });
      }
    });
  });
}

import { HttpInterceptorFn, HttpResponse } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import { of } from 'rxjs';

/** What the API has answered already: the page that it was made into brings it along (functions/catalog/pages.py). */
@Injectable({ providedIn: 'root' })
export class Answers {
  private readonly left = new Map<string, unknown>(
    Object.entries(JSON.parse(document.getElementById('answers')?.textContent ?? '{}') as object).map(
      ([address, answer]) => [normal(address), answer],
    ),
  );

  /** The answer to a request; each is good for one, so that whatever is asked for again is what it is then. */
  take(address: string): unknown {
    const key = normal(address);
    const answer = this.left.get(key);
    this.left.delete(key);
    return answer;
  }
}

/** The same for each way to write an address: parameters in any order, escaped more or less. */
function normal(address: string): string {
  const { pathname, searchParams } = new URL(address, location.origin);
  searchParams.sort();
  return `${pathname}?${searchParams}`;
}

/** Asks the API for nothing that the page has brought along. */
export const broughtAlong: HttpInterceptorFn = (request, next) => {
  const answer = request.method === 'GET' ? inject(Answers).take(request.urlWithParams) : undefined;
  return answer === undefined ? next(request) : of(new HttpResponse({ body: answer, url: request.urlWithParams }));
};

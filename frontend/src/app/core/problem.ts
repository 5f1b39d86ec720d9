import { HttpErrorResponse } from '@angular/common/http';
import { ProblemDetails } from '../api/models';
import { formatMoment } from './format';

const TYPE_PREFIX = 'urn:cloudretail:problem:';

/** What the gateway answers by itself is no problem+json, so that its status has to speak. */
const BY_STATUS: Readonly<Record<number, readonly [type: string, message: string]>> = {
  401: ['unauthorized', 'Please log in first.'],
  403: ['forbidden', 'You do not have access to this.'],
  404: ['not-found', 'We could not find that.'],
  408: ['try-again', 'The shop took too long to answer. Please try again.'],
  413: ['body-too-large', 'That is too large.'],
  429: ['too-many-requests', 'Too many attempts. Please wait a moment and try again.'],
  500: ['internal-error', 'Something went wrong on our side. Please try again.'],
  502: ['try-again', 'We cannot reach the shop right now. Please try again in a moment.'],
  503: ['try-again', 'We are very busy right now. Please try again in a moment.'],
  504: ['try-again', 'The shop took too long to answer. Please try again.'],
};

/**
 * Whatever kept the API from doing what was asked, in words for a shopper. Every failed call of the API rejects with
 * one of these.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  /**
   * @param status HTTP status; 0 where no answer came.
   * @param type stable name of the kind of problem, such as `insufficient-stock`; `offline` and `unreachable` where no
   *   answer came.
   * @param message one sentence for the shopper.
   * @param fields what is wrong with each field of the input, by the field's path (`shippingAddress.line1`).
   * @param extra further members of the problem, such as how many are `available`.
   */
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    readonly fields: ReadonlyMap<string, string> = new Map(),
    readonly extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }

  /** No answer came at all: there is no connection, or nobody at its other end. */
  get unreachable(): boolean {
    return this.status === 0;
  }

  /** The same request may succeed a little later. */
  get mayPass(): boolean {
    return this.unreachable || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** Make an ApiError of what Angular's HttpClient throws. */
export function toApiError(error: HttpErrorResponse): ApiError {
  if (error.status === 0) {
    return navigator.onLine
      ? new ApiError(0, 'unreachable', 'We cannot reach the shop right now. Please try again in a moment.')
      : new ApiError(0, 'offline', 'You seem to be offline. Please check your connection and try again.');
  }
  const problem = asProblem(error.error);
  if (problem) {
    const { type, title, status: _, detail, errors, ...extra } = problem;
    const fields = new Map((errors ?? []).map(({ field, message }) => [field, sentence(message)]));
    const message = [sentence(detail || title), ...tryAgainAt(extra)].join(' ');
    return new ApiError(error.status, type.slice(TYPE_PREFIX.length), message, fields, extra);
  }
  const [type, message] = BY_STATUS[error.status] ?? BY_STATUS[error.status >= 500 ? 500 : 404]!;
  return new ApiError(error.status, type, message);
}

/** Until when something is limited, where the API says so; to the minute, rounded up so that it is not too early. */
function* tryAgainAt({ until }: Readonly<Record<string, unknown>>): Iterable<string> {
  const moment = typeof until === 'string' ? Date.parse(until) : NaN;
  if (Number.isNaN(moment)) return;
  const minute = new Date(Math.ceil(moment / 60_000) * 60_000);
  yield `You can try again at ${formatMoment(minute.toISOString(), 'time')}.`;
}

function asProblem(body: unknown): ProblemDetails | null {
  const problem = parsed(body) as Partial<ProblemDetails> | null;
  return typeof problem?.type === 'string' && problem.type.startsWith(TYPE_PREFIX) ? (problem as ProblemDetails) : null;
}

/** Where an answer has no body, Angular is asked for text, and hands a problem over as that. */
function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}

/** What the gateway and the image store say is no sentence yet. */
function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The ApiError in what was caught; anything else is a mistake of the storefront and is thrown on. */
export function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}

/** Which dead letters of a queue are meant, as the page's address says it; an empty one is no condition. */
export interface Conditions {
  readonly orderId: string;
  /** Whose order. */
  readonly userId: string;
  readonly eventName: string;
  /** A cause, its fingerprint, or a part of it or of its text. */
  readonly cause: string;
  /** First sent then or later, ISO 8601. */
  readonly since: string;
  /** First sent then or earlier. */
  readonly until: string;
}

const LONGEST = { orderId: 64, userId: 128, eventName: 64, cause: 200 } as const;

/** What is no condition in the address, where anybody may write, is not meant. */
export function conditionsOf(query: { [Name in keyof Conditions]?: string | undefined }): Conditions {
  const text = (name: keyof typeof LONGEST) => (query[name] ?? '').trim().slice(0, LONGEST[name]);
  return {
    orderId: text('orderId'),
    userId: text('userId'),
    eventName: text('eventName'),
    cause: text('cause'),
    since: momentOf(query.since),
    until: momentOf(query.until),
  };
}

function momentOf(text: string | undefined): string {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? '' : new Date(time).toISOString();
}

/** For the address: null where there is no condition. */
export function queryOf(conditions: Conditions): Record<keyof Conditions, string | null> {
  const { orderId, userId, eventName, cause, since, until } = conditions;
  return {
    orderId: orderId || null,
    userId: userId || null,
    eventName: eventName || null,
    cause: cause || null,
    since: since || null,
    until: until || null,
  };
}

/** For the API: only the conditions that there are. */
export function paramsOf(conditions: Conditions): Partial<Conditions> {
  return Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== ''));
}

/** A moment as a `datetime-local` field shows it, in the operator's time zone. */
export function toField(moment: string): string {
  if (!moment) return '';
  const date = new Date(moment);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

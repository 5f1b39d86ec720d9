import { answer } from '../../testing/shop';
import { ApiError, apiError, toApiError } from './problem';

function problem(type: string, more: object = {}): object {
  return { type: `urn:cloudretail:problem:${type}`, title: 'Title', status: 409, detail: 'one sentence', ...more };
}

afterEach(() => vi.restoreAllMocks());

describe('an error of the API', () => {
  it('has the type, the sentence and whatever else its problem details have', () => {
    const error = toApiError(answer(409, problem('insufficient-stock', { available: 2 })));
    expect(error).toMatchObject({ status: 409, type: 'insufficient-stock', message: 'One sentence.' });
    expect(error.extra).toEqual({ available: 2 });
  });

  it('says of each field what is wrong with it, as a sentence', () => {
    const errors = [
      { field: 'email', message: 'is not an e-mail address' },
      { field: 'shippingAddress.line1', message: 'Too long!' },
    ];
    const { fields } = toApiError(answer(422, problem('invalid-input', { errors })));
    expect([...fields]).toEqual([
      ['email', 'Is not an e-mail address.'],
      ['shippingAddress.line1', 'Too long!'],
    ]);
  });

  it('says what is limited and until when, in the time of the device', () => {
    const limited = { detail: 'You have tried to log in too often.', limit: 'log-in' };
    const until = new Date(2026, 10, 27, 14, 31, 20).toISOString();
    const error = toApiError(answer(429, problem('too-many-requests', { ...limited, until })));
    expect(error.message).toBe('You have tried to log in too often. You can try again at 14:32.');
    expect(error).toMatchObject({ type: 'too-many-requests', mayPass: true, extra: { limit: 'log-in', until } });
  });

  it('says no time where none is known', () => {
    const error = toApiError(answer(429, problem('too-many-requests', { until: 'soon' })));
    expect(error.message).toBe('One sentence.');
  });

  it('is read from text too, which routes without an answer get', () => {
    expect(toApiError(answer(422, JSON.stringify(problem('wrong-code'))))).toMatchObject({ type: 'wrong-code' });
  });

  it.each([
    [401, 'unauthorized', false],
    [404, 'not-found', false],
    [429, 'too-many-requests', true],
    [503, 'try-again', true],
    [500, 'internal-error', true],
    [599, 'internal-error', true],
  ])('that the gateway itself answers (%i) is told by its status', (status, type, mayPass) => {
    const error = toApiError(answer(status, { message: 'Service Unavailable' }));
    expect(error).toMatchObject({ status, type, mayPass, unreachable: false });
    expect(error.message).not.toContain('Unavailable');
  });

  it('is no page of a proxy', () => {
    expect(toApiError(answer(502, '<html>Bad Gateway</html>'))).toMatchObject({ type: 'try-again' });
  });

  it.each([
    [true, 'unreachable'],
    [false, 'offline'],
  ])('without an answer (online: %s) is %s', (onLine, type) => {
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(onLine);
    expect(toApiError(answer(0, null))).toMatchObject({ type, unreachable: true, mayPass: true });
  });

  it('is told from a mistake of the storefront, which is thrown on', () => {
    const mistake = new TypeError('undefined is not a function');
    expect(() => apiError(mistake)).toThrow(mistake);
    const error = new ApiError(404, 'not-found', 'Gone.');
    expect(apiError(error)).toBe(error);
  });
});

import { ApiError } from '../core/problem';
import { Once } from './once';

describe('what is to be done once', () => {
  it('has the same key while nobody has answered, and another one afterwards', async () => {
    const once = new Once();
    const keys: string[] = [];
    const send = (status: number) =>
      once
        .run((key) => {
          keys.push(key);
          return status === 202 ? Promise.resolve() : Promise.reject(new ApiError(status, 'some', 'Some.'));
        })
        .catch(() => undefined);
    for (const status of [0, 503, 202, 409, 202]) await send(status);
    const [first, second, third, fourth, fifth] = keys;
    expect([first, first]).toEqual([second, third]);
    expect(new Set([third, fourth, fifth]).size).toBe(3);
  });
});

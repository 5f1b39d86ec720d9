import { ApiError } from './problem';
import { Submission } from './submission';

function refused(...fields: string[]): () => Promise<never> {
  const error = new ApiError(422, 'invalid-input', 'In words.', new Map(fields.map((each) => [each, `${each}!`])));
  return () => Promise.reject(error);
}

describe('a form', () => {
  it('shows what the API says next to the field that it says it of', async () => {
    const form = new Submission(['email', 'name']);
    expect(await form.run(refused('email'))).toBe(false);
    expect([form.error('email'), form.error('name'), form.message]).toEqual(['email!', null, null]);
  });

  it('says in words what it has no field for', async () => {
    const form = new Submission(['email']);
    await form.run(refused('email', 'captcha'));
    expect(form.message).toBe('captcha!');
    await form.run(refused());
    expect(form.message).toBe('In words.');
  });

  it('is not sent twice', async () => {
    const form = new Submission();
    let sent = 0;
    let arrive = (): void => undefined;
    const work = () => new Promise<void>((resolve) => ((arrive = resolve), sent++));
    const first = form.run(work);
    expect(await form.run(work)).toBe(false);
    arrive();
    expect([await first, sent, form.pending()]).toEqual([true, 1, false]);
  });

  it('forgets the problem of the time before', async () => {
    const form = new Submission(['email']);
    await form.run(refused('email'));
    expect(await form.run(() => Promise.resolve())).toBe(true);
    expect([form.problem(), form.error('email')]).toEqual([null, null]);
  });
});

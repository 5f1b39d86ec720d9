import { TestBed } from '@angular/core/testing';
import { Poller, Seen } from './poller';
import { ApiError } from './problem';

const GONE = new ApiError(0, 'unreachable', 'gone');

describe('The poller', () => {
  let poller: Poller;
  let answers: (Seen | ApiError)[];
  let looks: number[];
  let visibility: DocumentVisibilityState;

  /** The last answer stands for all that follow. */
  function look(): Promise<Seen> {
    looks.push(Date.now());
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    return answer instanceof ApiError ? Promise.reject(answer) : Promise.resolve(answer);
  }

  function show(state: DocumentVisibilityState): void {
    visibility = state;
    document.dispatchEvent(new Event('visibilitychange'));
  }

  const after = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
  const pauses = () => looks.slice(1).map((at, index) => at - looks[index]!);

  beforeEach(() => {
    vi.useFakeTimers();
    visibility = 'visible';
    vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility);
    TestBed.configureTestingModule({ providers: [Poller] });
    poller = TestBed.inject(Poller);
    looks = [];
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('looks at once, and then less and less often, but never seldom', async () => {
    answers = ['nothing'];
    poller.start(look);
    await after(120_000);
    expect(pauses()[0]).toBeLessThan(1_000);
    expect([...pauses()].sort((a, b) => a - b)).toEqual(pauses());
    expect(pauses().at(-1)).toBe(10_000);
  });

  it('leaves a person time who has to do something first', async () => {
    answers = ['later'];
    poller.start(look);
    await after(600_000);
    expect(pauses()[0]).toBeLessThan(1_000);
    expect(pauses().at(-1)).toBe(60_000);
  });

  it('looks soon again after news', async () => {
    answers = ['nothing', 'nothing', 'nothing', 'nothing', 'news', 'nothing'];
    poller.start(look);
    await after(10_000);
    expect(pauses()[4]).toBeLessThan(pauses()[3]!);
  });

  it('stops at the end', async () => {
    answers = ['news', 'final'];
    poller.start(look);
    await after(60_000);
    expect(looks).toHaveLength(2);
  });

  it('rests while nobody sees the page, and looks at once when somebody does again', async () => {
    answers = ['nothing'];
    poller.start(look);
    await after(0);
    show('hidden');
    await after(600_000);
    expect(looks).toHaveLength(1);
    show('visible');
    await after(0);
    expect(looks).toHaveLength(2);
  });

  it('looks once more at an end that is old when somebody comes back', async () => {
    answers = ['final'];
    poller.start(look);
    await after(0);
    show('hidden');
    show('visible');
    await after(60_000);
    expect(looks).toHaveLength(2);
  });

  it('says that nobody answers, tries on, and takes it back', async () => {
    answers = [GONE, GONE, 'nothing'];
    poller.start(look);
    await after(0);
    expect(poller.unreachable()).toBe(true);
    await after(5_000);
    expect(poller.unreachable()).toBe(false);
  });

  it('gives up on what no further try can help', async () => {
    answers = [new ApiError(404, 'not-found', 'none')];
    poller.start(look);
    await after(60_000);
    expect(looks).toHaveLength(1);
    expect([poller.problem()?.status, poller.unreachable()]).toEqual([404, false]);
  });

  it('looks again after a look that may have come too early', async () => {
    let finish: (seen: Seen) => void = () => undefined;
    poller.start(() => {
      looks.push(Date.now());
      return new Promise((resolve) => (finish = resolve));
    });
    poller.hurry();
    finish('final');
    await after(0);
    expect(looks).toHaveLength(2);
  });

  it('ends with its page', async () => {
    answers = ['nothing'];
    poller.start(look);
    await after(0);
    TestBed.resetTestingModule();
    show('visible');
    await after(60_000);
    expect(looks).toHaveLength(1);
  });
});

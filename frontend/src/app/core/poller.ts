import { DestroyRef, Injectable, inject, signal } from '@angular/core';
import { ApiError } from './problem';

/**
 * What a look has found: something new, nothing new, nothing new for as long as a person or a parcel takes, or that
 * there will be nothing new.
 */
export type Seen = 'news' | 'nothing' | 'later' | 'final';

/** Between two looks, in milliseconds: so soon after news, then longer each time, and never longer than this. */
const SOONEST = 400;
const LATEST = 10_000;
const LATEST_OF_LATER = 60_000;
const SLOWER = 1.5;

/**
 * Looks again and again whether something has happened at the shop. News make it look sooner, silence later; it stops
 * at the end of the story, and rests while nobody sees the page. A component provides its own.
 */
@Injectable()
export class Poller {
  private look: (() => Promise<Seen>) | null = null;
  private pause = SOONEST;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private looking = false;
  /** Somebody asked for a look while one was on its way: that one may have come too early. */
  private hurried = false;

  /** The latest look found nobody; the next one may. */
  readonly unreachable = signal(false);
  /** Why there will be no further look. */
  readonly problem = signal<ApiError | null>(null);

  constructor() {
    const wake = () => {
      if (document.visibilityState === 'visible') this.hurry();
      else clearTimeout(this.timer);
    };
    document.addEventListener('visibilitychange', wake);
    addEventListener('online', wake);
    inject(DestroyRef).onDestroy(() => {
      this.stop();
      document.removeEventListener('visibilitychange', wake);
      removeEventListener('online', wake);
    });
  }

  /** Look at this from now on, in place of what was looked at before. */
  start(look: () => Promise<Seen>): void {
    this.look = look;
    this.unreachable.set(false);
    this.hurry();
  }

  /** Look at once: something is about to happen, or the visitor asks for it. */
  hurry(): void {
    this.pause = SOONEST;
    this.problem.set(null);
    if (this.looking) this.hurried = true;
    else void this.tick();
  }

  stop(): void {
    this.look = null;
    clearTimeout(this.timer);
  }

  private async tick(): Promise<void> {
    const look = this.look;
    if (!look) return;
    clearTimeout(this.timer);
    this.looking = true;
    this.hurried = false;
    let seen: Seen = 'nothing';
    try {
      seen = await look();
      if (this.look === look) this.unreachable.set(false);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.look === look) {
        this.unreachable.set(error.mayPass);
        if (!error.mayPass) {
          this.problem.set(error);
          seen = 'final';
        }
      }
    } finally {
      this.looking = false;
    }
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set while this waited
    if (this.hurried || this.look !== look) return this.tick();
    this.pause = seen === 'news' ? SOONEST : Math.min(this.pause * SLOWER, seen === 'later' ? LATEST_OF_LATER : LATEST);
    if (seen !== 'final' && document.visibilityState === 'visible') {
      this.timer = setTimeout(() => void this.tick(), this.pause);
    }
  }
}

import { ApiError } from '../core/problem';

/** Does something once, however often it is sent: under one Idempotency-Key until an answer says what came of it. */
export class Once {
  private key = crypto.randomUUID();

  /** Rejects with what `work` rejects with. */
  async run<T>(work: (key: string) => Promise<T>): Promise<T> {
    try {
      const answer = await work(this.key);
      this.key = crypto.randomUUID();
      return answer;
    } catch (error) {
      // Where nobody answered, it may have been done.
      if (error instanceof ApiError && !error.mayPass) this.key = crypto.randomUUID();
      throw error;
    }
  }
}

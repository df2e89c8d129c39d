/** When requests may start: so many a minute, and none while the server asks to wait. Times in milliseconds. */

/** What time is for a client; tests have their own. */
export interface Timing {
  now(): number;
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemTiming: Timing = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', end);
        resolve();
      }, milliseconds);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    }),
};

export class Pace {
  /** When the next request may start, and when a pause that the server asked for ends. */
  private next = Number.NEGATIVE_INFINITY;
  private resume = Number.NEGATIVE_INFINITY;
  private readonly interval: number;

  /** Requests are spread evenly: 60 a minute start a second apart. */
  constructor(
    requestsPerMinute: number,
    private readonly timing: Timing,
  ) {
    this.interval = 60_000 / requestsPerMinute;
  }

  /** Resolves when it is the caller's turn. */
  async turn(signal: AbortSignal): Promise<void> {
    do {
      const now = this.timing.now();
      const at = Math.max(now, this.next, this.resume);
      this.next = at + this.interval;
      if (at > now) await this.timing.sleep(at - now, signal);
    } while (this.timing.now() < this.resume); // asked to wait meanwhile
  }

  /** No request starts for so long. */
  pause(milliseconds: number): void {
    this.resume = Math.max(this.resume, this.timing.now() + milliseconds);
  }
}

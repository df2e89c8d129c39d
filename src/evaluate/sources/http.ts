/**
 * JSON over HTTP with patience: what may pass (no connection, a timeout, 408, 409, 425, 429, any 5xx, a reply that is
 * cut or is no JSON) is asked again after a pause that doubles each time; what will not (any other 4xx) is an error with the
 * server's own words. A `Retry-After` is honoured, and holds for all requests, not only for the one that got it.
 */
import { userError } from '../../core/errors.ts';
import { reason } from '../../core/files.ts';
import type { RandomStream } from '../../core/random.ts';
import { Pace, systemTiming, type Timing } from './pace.ts';

export interface HttpOptions {
  /** Sent as bearer token; in no file and no message. */
  apiKey?: string;
  /** Starts of requests, retries included. Default no limit. */
  requestsPerMinute?: number;
  /** How often a request is repeated before the run ends. Default 8, about five minutes. */
  retries?: number;
  /** Seconds that a reply may take, 300 at most (where Node's own limit is). Default 300. */
  timeout?: number;
  timing?: Timing;
}

/** What the server will not do: status and its words. */
export class Refusal {
  constructor(
    readonly status: number,
    readonly message: string,
  ) {}
}

/** The pause before repetition r is between a half and the whole of 1 s · 2^r, a minute at most. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
/** Longest Retry-After that is waited for: an hour. */
const LONGEST_WAIT = 3_600_000;
const PASSING = new Set([408, 409, 425, 429]);

export class HttpClient {
  private readonly pace: Pace;
  private readonly timing: Timing;
  private readonly retries: number;
  private readonly timeout: number;
  private readonly apiKey: string | undefined;

  constructor({ apiKey, requestsPerMinute, retries = 8, timeout = 300, timing = systemTiming }: HttpOptions) {
    this.apiKey = apiKey;
    this.retries = retries;
    this.timeout = timeout;
    this.timing = timing;
    this.pace = new Pace(requestsPerMinute ?? Number.POSITIVE_INFINITY, timing);
  }

  /**
   * The reply to a POST as `read` makes it from its JSON; a text instead says what is wrong with it, and it is asked again.
   * @param jitter of this request's pauses
   * @returns a {@link Refusal} for a 4xx that will stay
   * @throws SERVER_UNAVAILABLE when no repetition helped
   */
  async post<T extends object>(
    url: string,
    body: unknown,
    read: (reply: unknown) => T | string,
    jitter: RandomStream,
    signal: AbortSignal,
  ): Promise<T | Refusal> {
    for (let attempt = 0; ; attempt++) {
      await this.pace.turn(signal);
      const outcome = await this.attempt(url, body, read, signal);
      if (!(outcome instanceof Passing)) return outcome;
      if (attempt === this.retries) {
        throw userError(
          'SERVER_UNAVAILABLE',
          `a reply of ${url} within ${this.retries + 1} attempts`,
          this.withoutKey(outcome.why),
          'look after the server; the same command goes on where this one ended',
        );
      }
      const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt);
      const pause = most * (0.5 + 0.5 * jitter.uniform());
      if (outcome.retryAfter !== undefined) this.pace.pause(Math.min(LONGEST_WAIT, outcome.retryAfter));
      await this.timing.sleep(Math.max(pause, outcome.retryAfter ?? 0), signal);
    }
  }

  private async attempt<T extends object>(
    url: string,
    body: unknown,
    read: (reply: unknown) => T | string,
    signal: AbortSignal,
  ): Promise<T | Refusal | Passing> {
    let response: Response;
    let text: string;
    const stop = new AbortController();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stop.abort();
    }, this.timeout * 1000);
    const end = () => stop.abort();
    signal.addEventListener('abort', end, { once: true });
    try {
      signal.throwIfAborted();
      response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(this.apiKey === undefined ? {} : { authorization: `Bearer ${this.apiKey}` }),
        },
        body: JSON.stringify(body),
        signal: stop.signal,
      });
      text = await response.text();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return new Passing(late ? `no reply within ${this.timeout} s` : causeOf(error));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
    if (!response.ok) {
      const message = this.withoutKey(`${response.status} ${messageOf(text)}`.trim());
      if (response.status >= 500 || PASSING.has(response.status)) {
        return new Passing(message, retryAfter(response.headers));
      }
      return new Refusal(response.status, message);
    }
    let reply: unknown;
    try {
      reply = JSON.parse(text);
    } catch {
      return new Passing(`no JSON: ${JSON.stringify(text.slice(0, 60))}`);
    }
    const result = read(reply);
    return typeof result === 'string' ? new Passing(result) : result;
  }

  /** Servers repeat a wrong key in their message. */
  private withoutKey(text: string): string {
    return this.apiKey ? text.replaceAll(this.apiKey, '***') : text;
  }
}

/** A failure that may pass. */
class Passing {
  constructor(
    readonly why: string,
    /** Milliseconds that the server asks to wait. */
    readonly retryAfter?: number,
  ) {}
}

/** Seconds, or a date, which is taken relative to the reply's own: clocks differ. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = Number(value);
  if (value.trim() !== '' && Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const wait = Date.parse(value) - Date.parse(headers.get('date') ?? '');
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** The server's words: OpenAI's `error.message`, FastAPI's `detail`, else the text. */
function messageOf(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text.slice(0, 200);
  }
  const { error, message, detail } = (value ?? {}) as Record<string, unknown>;
  const inner = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail ?? value;
  return (typeof inner === 'string' ? inner : JSON.stringify(inner)).slice(0, 200);
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? reason(error) : reason(cause);
}

/**
 * Responses of a model behind an OpenAI-compatible server. By default every sample is a request of its own with a seed
 * of its own, keyed by (seed, task, sample index): where the server is deterministic, neither order, nor failures, nor
 * resuming change a sample.
 */
import { setMaxListeners } from 'node:events';
import { currentSignal, isCancelled } from '../../core/cancellation.ts';
import { userError } from '../../core/errors.ts';
import { randomFamily } from '../../core/random.ts';
import type { SampleSettings } from '../../sample/index.ts';
import { HttpClient, type HttpOptions, Refusal } from './http.ts';
import { CHAT_INSTRUCTION, type Choice, choicesOf, type Dialect, requestBody } from './openai.ts';
import type { GivenResponse, ResponseRequest, ResponseSource, TaskResponses } from './source.ts';

export interface ServerOptions extends HttpOptions {
  /** `http://localhost:8000`; `/v1` is added where there is no path. */
  url: string;
  /** The model's name on the server. */
  model: string;
  /** `/chat/completions` with the problem as the user's message, instead of `/completions` with our prompt. */
  chat?: boolean;
  /** Chat: the system message; '' for none. Default asks for the steps that the verifier reads. */
  instruction?: string;
  /** Requests at a time, default 16. */
  concurrency?: number;
  /**
   * Samples of one request (its `n`), default 1. More is less work for the server and one seed for all of them; where
   * the server refuses, samples are asked for one by one.
   */
  perRequest?: number;
  /** Further fields of every request; null takes a field away. */
  fields?: Readonly<Record<string, unknown>>;
}

/**
 * An OpenAI-compatible server as a source.
 *
 * What {@link evaluate} throws with it: SERVER_REFUSED (4xx, with the server's words), SERVER_UNAVAILABLE (no
 * reply after all repetitions).
 * @throws SERVER_URL
 */
export function serverSource(options: ServerOptions): ResponseSource {
  const { model, chat = false, instruction = CHAT_INSTRUCTION, fields = {}, perRequest = 1 } = options;
  const url = baseUrl(options.url);
  const dialect: Dialect = { model, chat, instruction, fields };
  const facts = {
    url,
    served_model: model,
    ...(chat ? { chat, instruction } : {}),
    ...(Object.keys(fields).length > 0 ? { fields } : {}),
    ...(perRequest > 1 ? { per_request: perRequest } : {}),
  };
  const asker = new Asker(`${url}/${chat ? 'chat/' : ''}completions`, dialect, new HttpClient(options));
  return {
    identity: ['server', facts],
    cacheIdentity: ['server', facts],
    facts: { server: facts },
    relevant({ slots: _slots, stop, ...others }: SampleSettings) {
      return stop?.length ? { ...others, stop } : others;
    },
    responses: (requests: readonly ResponseRequest[], settings: SampleSettings) =>
      askAll(asker, requests, settings, options.concurrency ?? 16, perRequest),
  };
}

/** Samples first … first + count − 1 of a request. */
interface Unit {
  request: number;
  first: number;
  count: number;
}

function* unitsOf(
  requests: readonly ResponseRequest[],
  samples: number,
  perRequest: number,
): Generator<Unit> {
  for (const [request, { first }] of requests.entries()) {
    for (let at = first; at < samples; at += perRequest) {
      yield { request, first: at, count: Math.min(perRequest, samples - at) };
    }
  }
}

async function* askAll(
  asker: Asker,
  requests: readonly ResponseRequest[],
  settings: SampleSettings,
  concurrency: number,
  perRequest: number,
): AsyncGenerator<TaskResponses> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // one for each request under way
  const signal = currentSignal();
  const end = () => stop.abort();
  signal?.addEventListener('abort', end, { once: true });
  const units = unitsOf(requests, settings.samples, perRequest);
  const parts = new Map<number, GivenResponse[]>(); // of requests that are not complete
  const complete: TaskResponses[] = [];
  const running = new Set<Promise<void>>();
  let failure: unknown;

  const ask = async (unit: Unit): Promise<void> => {
    const { request } = unit;
    const responses = [...(await asker.ask(requests[request]!, unit, settings, stop.signal))];
    const all = [...(parts.get(request) ?? []), ...responses];
    parts.set(request, all);
    if (all.length < settings.samples - requests[request]!.first) return;
    parts.delete(request);
    complete.push({ request, responses: all.sort((a, b) => a.sample_index - b.sample_index) });
  };

  /** Starts requests; also while a task is being judged, but not without end. */
  const fill = (): void => {
    while (running.size < concurrency && complete.length < concurrency) {
      if (failure !== undefined || stop.signal.aborted) return;
      const { value: unit, done } = units.next();
      if (done) return;
      const job = ask(unit)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => {
          running.delete(job);
          fill();
        });
      running.add(job);
    }
  };

  try {
    for (;;) {
      fill();
      const next = complete.shift();
      if (next !== undefined) yield next;
      else if (isCancelled()) return;
      else if (failure !== undefined) throw failure;
      else if (running.size === 0) return;
      else await Promise.race(running);
    }
  } finally {
    stop.abort(); // what is still asked for is not waited for
    signal?.removeEventListener('abort', end);
    await Promise.allSettled(running);
  }
}

/** Gets samples from one server, and remembers whether it takes `n`. */
class Asker {
  private takesN = true;

  constructor(
    private readonly url: string,
    private readonly dialect: Dialect,
    private readonly client: HttpClient,
  ) {}

  async ask(
    request: ResponseRequest,
    { first, count }: Unit,
    settings: SampleSettings,
    signal: AbortSignal,
  ): Promise<GivenResponse[]> {
    if (count > 1 && this.takesN) {
      // A reply with too few choices may be an accident; two are not.
      for (let attempt = 0; attempt < 2; attempt++) {
        const choices = await this.choices(request, first, count, settings, signal);
        if (choices instanceof Refusal) break;
        if (choices.length >= count)
          return choices.slice(0, count).map((choice, i) => given(first + i, choice));
      }
      this.takesN = false;
    }
    const responses: GivenResponse[] = [];
    for (let sample = first; sample < first + count; sample++) {
      const choices = await this.choices(request, sample, 1, settings, signal);
      if (choices instanceof Refusal) throw this.refused(choices);
      responses.push(given(sample, choices[0]!));
    }
    return responses;
  }

  private choices(
    { id, task }: ResponseRequest,
    sample: number,
    count: number,
    settings: SampleSettings,
    signal: AbortSignal,
  ): Promise<Choice[] | Refusal> {
    const seed = randomFamily('server', settings.seed, id).at(sample).u32() >>> 1; // int32 everywhere
    const body = requestBody(task, count, seed, settings, this.dialect);
    const jitter = randomFamily('retry', settings.seed, id).at(sample);
    return this.client.post(this.url, body, (reply) => choicesOf(reply, this.dialect.chat), jitter, signal);
  }

  private refused({ status, message }: Refusal): Error {
    const remedy =
      status === 401 || status === 403
        ? 'name the environment variable that holds the key (--api-key-env)'
        : status === 404
          ? 'check the address and the name of the served model'
          : 'change what it names; --request-fields \'{"FIELD": null}\' leaves a field out';
    return userError('SERVER_REFUSED', `${this.url} to answer`, message, remedy);
  }
}

function given(sample: number, { text, tokens, stop }: Choice): GivenResponse {
  return { sample_index: sample, response: text, tokens, stop_reason: stop };
}

/** The address that `/completions` is put behind. */
function baseUrl(text: string): string {
  const fail = (got: string) =>
    userError('SERVER_URL', 'an address such as http://localhost:8000', got, 'correct the address');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw fail(text);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw fail(text);
  // A key in the address would be written to config.json.
  if (url.username || url.password || url.search) throw fail('one with a user name, a password or a query');
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(chat\/)?completions$/, '');
  return `${url.origin}${path === '' ? '/v1' : path}`;
}

/**
 * A stand-in for an OpenAI-compatible server. What it says is a function of (prompt, seed, index of the choice), as a
 * deterministic server's; faults are injected by request number.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sha256 } from '../../src/core/hash.ts';
import { promptText, responseText, STOP_TAG, type Task } from '../../src/tasks/index.ts';

export type Fault =
  | 'rate' // 429, Retry-After in seconds
  | 'rate-date' // 429, Retry-After as a date
  | 'busy' // 503
  | 'error' // 500
  | 'hang' // no reply
  | 'cut' // half a reply, then the connection ends
  | 'drop' // no reply, the connection ends
  | 'garbage' // no JSON
  | 'empty' // no choices
  | 'short'; // fewer choices than asked for

export interface StandInOptions {
  tasks: readonly Task[];
  /** Of request i, from 0. */
  fault?: (i: number, body: Body) => Fault | undefined;
  /** Answers when so many requests are open. */
  gather?: number;
  /** 400 for n above 1. */
  refusesN?: boolean;
  /** One choice whatever n. */
  ignoresN?: boolean;
  /** Leaves the stop string out, as OpenAI's interface says; and says which it was, as vLLM. */
  trims?: 'silently' | 'telling';
  /** Bearer token that is needed. */
  key?: string;
}

export type Body = Record<string, unknown> & {
  prompt?: string;
  messages?: { role: string; content: string }[];
};

export interface StandIn {
  url: string;
  /** Bodies of all requests, and the most that were open at a time. */
  requests: Body[];
  mostOpen: number;
  paths: Set<string>;
  close(): Promise<void>;
}

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const known = new Map<string, Task>();
  for (const task of options.tasks) {
    known.set(promptText(task), task);
    known.set(`${task.problem.trim()} ${task.question}`, task);
  }
  let open = 0;
  const standIn: StandIn = { url: '', requests: [], mostOpen: 0, paths: new Set(), close };
  const server: Server = createServer((request, response) => {
    open++;
    standIn.mostOpen = Math.max(standIn.mostOpen, open);
    response.on('close', () => open--);
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body;
    const i = standIn.requests.push(body) - 1;
    standIn.paths.add(request.url!);
    await gathered();
    const send = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    const fail = (status: number, message: string) => send(status, { error: { message, code: status } });
    if (options.key !== undefined && request.headers.authorization !== `Bearer ${options.key}`) {
      return fail(401, `Incorrect API key provided: ${request.headers.authorization?.slice(7)}`);
    }
    if (body.model !== 'stand-in') return fail(404, `The model \`${body.model}\` does not exist.`);
    const n = Number(body.n ?? 1);
    if (options.refusesN && n > 1) return fail(400, 'Only one completion choice is allowed');
    const fault = options.fault?.(i, body);
    switch (fault) {
      case 'rate':
        return send(429, { error: { message: 'slow down' } }, { 'retry-after': '7' });
      case 'rate-date': {
        const date = new Date(1e12).toUTCString();
        const until = new Date(1e12 + 11_000).toUTCString();
        return send(429, 'slow down', { date, 'retry-after': until });
      }
      case 'busy':
        return fail(503, 'loading');
      case 'error':
        return send(500, 'Internal Server Error');
      case 'hang':
        return;
      case 'drop':
        return void response.destroy();
      case 'garbage':
        return send(200, '{"choices": [{"text": ');
      case 'empty':
        return send(200, { choices: [] });
      default:
    }
    const chat = request.url!.endsWith('/chat/completions');
    const prompt = chat ? body.messages!.at(-1)!.content : body.prompt!;
    const count = options.ignoresN ? 1 : fault === 'short' ? Math.max(1, n - 2) : n;
    const choices = Array.from({ length: count }, (_, index) => choice(prompt, body, index, chat));
    const reply = { choices: choices.reverse(), usage: { prompt_tokens: 9, completion_tokens: 5 * count } };
    if (fault !== 'cut') return send(200, reply);
    const text = JSON.stringify(reply);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(text.length) });
    response.write(text.slice(0, text.length / 2), () => response.destroy());
  }

  let waiting: (() => void)[] = [];
  async function gathered(): Promise<void> {
    const arrived = new Promise<void>((resolve) => waiting.push(resolve));
    if (waiting.length >= (options.gather ?? 1)) {
      for (const resolve of waiting) resolve();
      waiting = [];
    }
    await arrived;
  }

  function choice(prompt: string, body: Body, index: number, chat: boolean) {
    const task = known.get(prompt)!;
    const digest = sha256(JSON.stringify([prompt, body.seed, index, body.temperature]));
    const right = Number.parseInt(digest.slice(0, 2), 16) < 128;
    const cut = Number.parseInt(digest.slice(2, 4), 16) < 64;
    const whole = right ? responseText(task) : ` ${digest.slice(0, 6)} </solution> <answer> 5 ${STOP_TAG}`;
    const text = cut ? whole.slice(0, 20) : options.trims ? whole.slice(0, -STOP_TAG.length) : whole;
    return {
      index,
      finish_reason: cut ? 'length' : 'stop',
      ...(options.trims === 'telling' ? { stop_reason: cut ? null : STOP_TAG } : {}),
      ...(chat ? { message: { role: 'assistant', content: text } } : { text }),
    };
  }

  function close(): Promise<void> {
    return new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  standIn.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return standIn;
}

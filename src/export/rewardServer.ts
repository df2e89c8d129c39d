/**
 * Our rewards for programs in other languages: a small HTTP server that judges responses. `POST /reward` takes
 * `{rows: [{solution or gold_solution, graph?, response, truncated?}], rewards?: [names]}` (or one row by itself)
 * and answers `{results: [{rewards: {name: value}, verified, answer_correct, process_accuracy, …}]}` in the rows'
 * order; `GET /` answers with the names of rewards. What is wrong with a request is answered with the error's code
 * and 400: nothing unreadable gets a reward.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InterplayError, userError } from '../core/errors.ts';
import { reason } from '../core/files.ts';
import { parseJson } from '../core/json.ts';
import { checkedResponse, REWARD_NAMES, rewardByName, type Verdict, verify } from '../verify/index.ts';

export const REWARD_PORT = 8765;

/** Longest body of a request, bytes: thousands of responses. */
const LONGEST_BODY = 64 * 2 ** 20;

/** Judgement of one row. */
export type RewardResult = Pick<
  Verdict,
  'verified' | 'answer_correct' | 'process_accuracy' | 'parsed' | 'errors' | 'extracted_answer'
> & { rewards: Record<string, number> };

/**
 * Answers a request's JSON. Pure.
 * @throws REWARD_REQUEST, REWARD_NAME, VERIFY_ROW, GOLD_UNPARSEABLE, GOLD_GRAPH
 */
export function rewardResults(request: unknown): RewardResult[] {
  const fields = (typeof request === 'object' && request !== null ? request : {}) as Record<string, unknown>;
  const { rows = [request], rewards = REWARD_NAMES } = fields;
  if (!Array.isArray(rows)) throw wrongRequest('a list in "rows"', rows);
  if (!Array.isArray(rewards) || !rewards.every((name) => typeof name === 'string')) {
    throw wrongRequest('a list of names in "rewards"', rewards);
  }
  const paying = rewards.map((name: string) => [name, rewardByName(name)] as const);
  return rows.map((row, i) => {
    const { task, response, truncated } = checkedResponse(row, `row ${i + 1} of the request`);
    const verdict = verify(task, response, { truncated });
    const { verified, answer_correct, process_accuracy, parsed, errors, extracted_answer } = verdict;
    return {
      rewards: Object.fromEntries(paying.map(([name, reward]) => [name, reward(verdict)])),
      verified,
      answer_correct,
      process_accuracy,
      parsed,
      errors,
      extracted_answer,
    };
  });
}

function wrongRequest(expected: string, got: unknown): Error {
  const shown = JSON.stringify(got) ?? 'nothing';
  return userError('REWARD_REQUEST', expected, shown.slice(0, 100), 'see docs/interop.md');
}

/** A running server. */
export interface RewardServer {
  /** `http://127.0.0.1:8765` */
  url: string;
  /** Ends open connections and frees the port. */
  close(): Promise<void>;
}

/**
 * Starts a server; port 0 takes a free one. It answers whoever reaches it, so the address stays this machine's own
 * unless told.
 * @throws REWARD_ADDRESS when host and port cannot be used
 */
export async function startRewardServer({
  host = '127.0.0.1',
  port = REWARD_PORT,
}: {
  host?: string;
  port?: number;
} = {}): Promise<RewardServer> {
  const server = createServer((request, response) => void answer(request, response));
  await listen(server, host, port);
  const { address, family, port: used } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${used}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const got = `${host}:${port} (${reason(error)})`;
      reject(userError('REWARD_ADDRESS', 'a free address of this machine', got, 'choose another --port'));
    });
    server.listen(port, host, resolve);
  });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, value: unknown) => {
    const body = JSON.stringify(value);
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  };
  try {
    const path = request.url?.split('?')[0];
    if (request.method === 'GET' && path === '/') return send(200, { rewards: REWARD_NAMES });
    if (request.method !== 'POST' || path !== '/reward') {
      throw wrongRequest('POST /reward or GET /', `${request.method} ${path}`);
    }
    const body = parseJson(await readBody(request), 'the body of the request', 'request');
    send(200, { results: rewardResults(body) });
  } catch (error) {
    if (error instanceof InterplayError) {
      send(400, { error: { code: error.code, message: error.message } });
    } else {
      send(500, { error: { code: 'INTERNAL', message: reason(error) } });
    }
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > LONGEST_BODY) throw wrongRequest(`a body of at most ${LONGEST_BODY} bytes`, length);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCancellable } from '../../src/core/cancellation.ts';
import {
  type EvaluateOptions,
  evaluate,
  type ServerOptions,
  serverSource,
  type Timing,
} from '../../src/evaluate/index.ts';
import { promptText, STOP_TAG } from '../../src/tasks/index.ts';
import { type Body, type Fault, type StandIn, type StandInOptions, startStandIn } from './standIn.ts';
import { bytesOf, microTasks, rowsOf } from './tasks.ts';

/** Time that passes only by sleeping; every sleep is recorded. */
class VirtualTime implements Timing {
  time = 0;
  readonly sleeps: number[] = [];
  now = () => this.time;
  sleep = async (milliseconds: number, signal: AbortSignal) => {
    this.sleeps.push(milliseconds);
    const until = this.time + milliseconds;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    this.time = Math.max(this.time, until);
  };
}

/** For servers that do not reply; what a slow machine makes late is asked again, too. */
const HASTY = { timeout: 0.3 };

describe('responses of a server', () => {
  const tasks = microTasks(6);
  const servers: StandIn[] = [];
  let folder: string;
  let made = 0;
  let faultless: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-server-'));
    faultless = (await run({})).bytes;
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  after(() => rmSync(folder, { recursive: true }));

  const options = (): EvaluateOptions => ({
    out: join(folder, `out-${made++}`),
    samples: 4,
    maxTokens: 99,
    temperature: 0.5,
    seed: 2,
  });
  const serve = async (stand: Partial<StandInOptions>) => {
    const server = await startStandIn({ tasks, ...stand });
    servers.push(server);
    return server;
  };
  const connect = (server: StandIn, more: Partial<ServerOptions> = {}) =>
    serverSource({
      url: server.url,
      model: 'stand-in',
      concurrency: 3,
      timeout: 60,
      timing: new VirtualTime(),
      ...more,
    });
  async function run(
    stand: Partial<StandInOptions>,
    more: Partial<ServerOptions> = {},
    evaluation: Partial<EvaluateOptions> = {},
  ) {
    const server = await serve(stand);
    const result = await evaluate(connect(server, more), tasks, { ...options(), ...evaluation });
    assert.equal(result.finished, true);
    return { ...result, server, bytes: bytesOf(result.out) };
  }

  it('one request per sample, with our prompt, a seed of its own and at most so many at a time', async () => {
    const { server, out, bytes, metrics } = await run({ gather: 3 });
    assert.equal(bytes, faultless);
    assert.deepEqual([...server.paths], ['/v1/completions']);
    assert.equal(server.mostOpen, 3);
    assert.equal(server.requests.length, 24);
    assert.equal(new Set(server.requests.map(({ seed }) => seed)).size, 24);
    const { seed, ...body } = server.requests[0]!;
    assert.ok(Number.isInteger(seed) && Number(seed) >= 0 && Number(seed) < 2 ** 31, String(seed));
    assert.deepEqual(body, {
      model: 'stand-in',
      prompt: promptText(tasks[0]!),
      max_tokens: 99,
      temperature: 0.5,
      top_p: 1,
      stop: [STOP_TAG],
      skip_special_tokens: false,
      include_stop_str_in_output: true,
    });
    const rows = rowsOf(out);
    assert.deepEqual(
      rows.map(({ task_id, sample_index }) => [task_id, sample_index]),
      tasks.flatMap(({ id }) => [0, 1, 2, 3].map((i) => [id, i])),
    );
    assert.ok(rows.every(({ tokens }) => tokens === 5));
    const share = rows.filter(({ verified }) => verified).length / rows.length;
    assert.ok(share > 0.2 && share < 0.7, `both kinds: ${share}`);
    assert.ok(Math.abs(metrics!.overall.verified.value - share) < 1e-12);
    const config = JSON.parse(bytesOf(out, 'config.json'));
    assert.deepEqual(config.server, { url: `${server.url}/v1`, served_model: 'stand-in' });
    assert.deepEqual([config.temperature, config.max_tokens, config.maxTokens], [0.5, undefined, 99]);
  });

  const faults: Fault[] = ['rate', 'rate-date', 'busy', 'error', 'drop', 'cut', 'garbage', 'empty', 'hang'];
  for (const fault of faults) {
    it(`asks again after "${fault}", and ends with the same bytes`, async () => {
      const { bytes, server } = await run({ fault: (i) => (i % 9 === 4 ? fault : undefined) }, HASTY);
      assert.equal(bytes, faultless);
      assert.ok(server.requests.length > 24, `${server.requests.length} requests`);
    });
  }

  it('survives all of them together, repeated', async () => {
    const fault = (i: number) => (i % 2 === 0 ? faults[(i / 2) % faults.length] : undefined);
    const { bytes } = await run({ fault }, HASTY);
    assert.equal(bytes, faultless);
  });

  it('waits as long as the server says, with all requests', async () => {
    for (const [fault, wait] of [
      ['rate', 7000],
      ['rate-date', 11_000],
    ] as const) {
      const timing = new VirtualTime();
      await run({ fault: (i) => (i === 5 ? fault : undefined) }, { timing });
      assert.ok(timing.sleeps.includes(wait), `${timing.sleeps} has ${wait}`);
      assert.ok(timing.time >= wait && timing.time < 2 * wait, `${timing.time} ms passed`);
    }
  });

  it('pauses longer and longer, by keyed chance', async () => {
    const pauses = async () => {
      const timing = new VirtualTime();
      const server = await serve({ fault: () => 'error' });
      const source = connect(server, { timing, retries: 8, concurrency: 1 });
      await assert.rejects(evaluate(source, tasks, options()), { code: 'SERVER_UNAVAILABLE' });
      assert.equal(server.requests.length, 9);
      return timing.sleeps;
    };
    const sleeps = await pauses();
    assert.equal(sleeps.length, 8);
    for (const [r, sleep] of sleeps.entries()) {
      const most = Math.min(60_000, 1000 * 2 ** r);
      assert.ok(sleep >= most / 2 && sleep < most, `pause ${r}: ${sleep}`);
    }
    assert.deepEqual(await pauses(), sleeps);
  });

  it('starts no more requests a minute than told', async () => {
    const timing = new VirtualTime();
    await run({}, { timing, requestsPerMinute: 30, concurrency: 5 });
    // 24 requests, two seconds apart.
    assert.equal(timing.time, 23 * 2000);
  });

  it('keeps what is done when the server goes, and goes on from there', async () => {
    const server = await serve({ fault: (i) => (i < 10 ? undefined : 'busy') });
    const { out, ...rest } = options();
    const error = await evaluate(connect(server), tasks, { out, ...rest }).catch((reason: Error) => reason);
    assert.match(String(error), /within 9 attempts, got 503 loading; /);
    const done = rowsOf(out).length;
    assert.ok(done >= 4 && done < 24 && done % 4 === 0, `${done} rows kept`);
    // Another address would be another evaluation: the same server comes back.
    const again = await startStandIn({ tasks });
    servers.push(again);
    const source = connect(again);
    const moved = { ...source, identity: connect(server).identity };
    const { finished } = await evaluate(moved, tasks, { out, ...rest });
    assert.equal(finished, true);
    assert.equal(bytesOf(out), faultless);
    assert.equal(again.requests.length, 24 - done);
  });

  it('stops when told, and goes on', async () => {
    const server = await serve({});
    const { out, ...rest } = options();
    const stop = new AbortController();
    const progress = () => stop.abort();
    const cut = await runCancellable(stop.signal, () =>
      evaluate(connect(server), tasks, { out, ...rest, progress }),
    );
    assert.equal(cut.finished, false);
    assert.equal(cut.rows.length, 4);
    await evaluate(connect(server), tasks, { out, ...rest });
    assert.equal(bytesOf(out), faultless);
  });

  it('gives the words of a refusal, but never the key', async () => {
    const key = 'sk-secret-123';
    const cases: [Partial<StandInOptions>, Partial<ServerOptions>, RegExp][] = [
      [{}, { model: 'other' }, /got 404 The model `other` does not exist.; check the address and the name/],
      [{ key }, {}, /got 401 Incorrect API key provided: undefined; .*--api-key-env/],
      [{ key }, { apiKey: `${key}x` }, /Incorrect API key provided: \*\*\*;/],
    ];
    for (const [stand, more, message] of cases) {
      const server = await serve(stand);
      await assert.rejects(evaluate(connect(server, more), tasks, options()), (error: Error) => {
        assert.equal((error as Error & { code: string }).code, 'SERVER_REFUSED');
        assert.match(error.message, message);
        assert.ok(!error.message.includes('secret'), error.message);
        return true;
      });
      assert.ok(server.requests.length <= 3, 'not asked again');
    }
    const { bytes, out } = await run({ key }, { apiKey: key });
    assert.equal(bytes, faultless);
    for (const name of ['config.json', 'metrics.json', 'samples.jsonl']) {
      assert.ok(!bytesOf(out, name).includes(key), name);
    }
    for (const url of ['localhost:8000', 'ftp://host', 'http://me:key@host', 'http://host/v1?key=1']) {
      assert.throws(() => serverSource({ url, model: 'm' }), { code: 'SERVER_URL' });
    }
  });

  it('asks for several samples at once where the server takes n', async () => {
    const { server, bytes } = await run({}, { perRequest: 3 });
    assert.equal(server.requests.length, 12);
    assert.deepEqual(
      server.requests.slice(0, 2).map(({ n }) => n),
      [3, undefined],
    );
    // By accident too few: asked again.
    let left = 1;
    const fault = (i: number, { n }: Body) => (i > 2 && n === 3 && left-- > 0 ? 'short' : undefined);
    const short = await run({ fault }, { perRequest: 3 });
    assert.equal(short.bytes, bytes);
    assert.equal(short.server.requests.length, 13);
    // Never more than one, or refused: one by one, with the samples' own seeds.
    for (const stand of [{ refusesN: true }, { ignoresN: true }]) {
      assert.equal((await run(stand, { perRequest: 4, concurrency: 1 })).bytes, faultless);
    }
  });

  it('puts the stop tag back that servers leave out', async () => {
    for (const trims of ['silently', 'telling'] as const) {
      const { bytes } = await run({ trims });
      assert.equal(bytes, faultless);
    }
  });

  it('chats: the problem as the user says it, with an instruction that the verifier can read the answer to', async () => {
    const { server, out } = await run({}, { chat: true }, { stop: ['\n\n'], topK: 5 });
    assert.deepEqual([...server.paths], ['/v1/chat/completions']);
    const { messages, stop, top_k, prompt, skip_special_tokens } = server.requests[0]!;
    assert.deepEqual([stop, top_k, prompt, skip_special_tokens], [['\n\n'], 5, undefined, undefined]);
    assert.deepEqual(
      messages!.map(({ role }) => role),
      ['system', 'user'],
    );
    assert.equal(messages![1]!.content, `${tasks[0]!.problem.trim()} ${tasks[0]!.question}`);
    assert.match(messages![0]!.content, /Define <quantity> as <letter>/);
    assert.ok(
      rowsOf(out).some(({ verified }) => verified),
      'chat answers are verified',
    );
    const own = await serve({});
    const source = connect(own, {
      chat: true,
      instruction: '',
      fields: { seed: null, reasoning_effort: 'low' },
    });
    const { out: second } = await evaluate(source, tasks.slice(0, 1), { ...options(), samples: 1 });
    assert.deepEqual(
      own.requests[0]!.messages!.map(({ role }) => role),
      ['user'],
    );
    assert.deepEqual([own.requests[0]!.seed, own.requests[0]!.reasoning_effort], [undefined, 'low']);
    const { server: saved } = JSON.parse(bytesOf(second, 'config.json'));
    assert.deepEqual([saved.chat, saved.instruction, saved.fields.reasoning_effort], [true, '', 'low']);
  });

  it('takes an address with a path as it is', async () => {
    const server = await serve({});
    for (const [path, asked] of [
      ['/v1/', '/v1/completions'],
      ['/api/v1', '/api/v1/completions'],
      ['/v1/chat/completions', '/v1/completions'],
    ]) {
      server.paths.clear();
      await evaluate(connect(server, { url: server.url + path }), tasks.slice(0, 1), {
        ...options(),
        samples: 1,
      });
      assert.deepEqual([...server.paths], [asked]);
    }
  });
});

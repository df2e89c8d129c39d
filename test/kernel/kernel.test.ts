import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KernelClient } from '../../src/kernel/client.ts';
import { freePorts, makeConnection } from '../../src/kernel/connection.ts';
import { type LaunchedKernel, launchKernel } from '../../src/kernel/launch.ts';
import type { JsonObject, Message } from '../../src/kernel/protocol.ts';

const CORE = fileURLToPath(new URL('../../src/core/index.ts', import.meta.url));

/** Messages of a type, without the status messages around them. */
const ofType = (messages: readonly Message[], type: string): JsonObject[] =>
  messages.filter(({ header }) => header.msg_type === type).map(({ content }) => content);
const text = (messages: readonly Message[], name = 'stdout'): string =>
  ofType(messages, 'stream')
    .filter((content) => content.name === name)
    .map((content) => content.text)
    .join('');
const resultOf = (messages: readonly Message[]): unknown =>
  (ofType(messages, 'execute_result')[0]?.data as JsonObject | undefined)?.['text/plain'];

describe('kernel over its sockets', function () {
  this.timeout(60_000);
  let kernel: LaunchedKernel;
  let client: KernelClient;
  let folder: string;
  const run = (code: string, options = {}) => client.execute(code, options);
  const value = async (code: string) => resultOf((await run(code)).messages);
  /** Presses Stop `after` milliseconds from the cell's first word, hence not while its types are checked. */
  const runAndStop = async (code: string, after = 100) => {
    let pressed = false;
    const { reply, messages } = await run(`console.log("running");\n${code}`, {
      onMessage: (message: Message) => {
        if (message.header.msg_type !== 'stream' || pressed) return;
        pressed = true;
        setTimeout(() => client.interrupt(), after);
      },
    });
    return { reply, messages };
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-kernel-test-'));
    mkdirSync(join(folder, 'notebooks'));
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(folder, 'src', 'lib.ts'),
      'export function fail(): never {\n  const n: number = 1;\n  throw new RangeError("bad " + n);\n}\n',
    );
    kernel = await launchKernel({ cwd: join(folder, 'notebooks') });
    client = kernel.client;
  });
  after(async () => {
    await kernel.close();
    rmSync(folder, { recursive: true });
  });

  it('kernel_info', () => {
    const { info } = kernel;
    assert.equal(info.status, 'ok');
    assert.equal(info.protocol_version, '5.4');
    assert.equal((info.language_info as JsonObject).name, 'typescript');
  });

  it('one cell: busy, input, output, result, idle, in this order and all with its parent', async () => {
    const { reply, messages } = await run('console.log("out"); 6 * 7');
    assert.deepEqual(
      messages.map(({ header }) => header.msg_type),
      ['status', 'execute_input', 'stream', 'execute_result', 'status'],
    );
    assert.equal(reply.status, 'ok');
    const count = reply.execution_count;
    assert.equal(ofType(messages, 'execute_input')[0]!.execution_count, count);
    assert.equal(ofType(messages, 'execute_result')[0]!.execution_count, count);
    assert.equal(resultOf(messages), '42');
  });

  it('error: one message, name, value, place in the cell and in the imported file', async () => {
    const { reply, messages } = await run('import { fail } from "../src/lib.ts";\n\nfail()');
    const [error, ...others] = ofType(messages, 'error');
    assert.equal(others.length, 0);
    assert.deepEqual([error!.ename, error!.evalue], ['RangeError', 'bad 1']);
    assert.deepEqual([reply.status, reply.ename], ['error', 'RangeError']);
    const traceback = (error!.traceback as string[]).join('\n');
    assert.match(traceback, /> 3 \| fail\(\)/);
    assert.match(traceback, /lib\.ts:3:9/);
    assert.match(traceback, /cell-\d+\.ts:3:1/);
  });

  it('what follows a failed cell in the queue is aborted, unless it was asked not to stop', async () => {
    const replies = await Promise.all([run('throw 1'), run('"queued"'), run('"too"')]);
    assert.deepEqual(
      replies.map(({ reply }) => reply.status),
      ['error', 'aborted', 'aborted'],
    );
    const kept = await Promise.all([run('throw 1', { stopOnError: false }), run('"queued"')]);
    assert.deepEqual(
      kept.map(({ reply }) => reply.status),
      ['error', 'ok'],
    );
  });

  it('silent cells do not count and show no result; store_history=false does not count', async () => {
    const { reply } = await run('1');
    const silent = await run('2', { silent: true });
    assert.deepEqual(
      silent.messages.map(({ header }) => header.msg_type),
      ['status', 'status'],
    );
    await run('3', { storeHistory: false });
    assert.equal((await run('4')).reply.execution_count, Number(reply.execution_count) + 1);
  });

  it('user expressions see the cell, and fail alone', async () => {
    const { reply } = await run('let u = 20', { userExpressions: { twice: 'u * 2', broken: 'nope' } });
    const { twice, broken } = reply.user_expressions as Record<string, JsonObject>;
    assert.deepEqual(twice!.data, { 'text/plain': '40' });
    assert.deepEqual([broken!.status, broken!.ename], ['error', 'ReferenceError']);
  });

  it('display, update, clear_output; bundles, display methods, bytes', async () => {
    const { messages } = await run(`
      display({ 'text/html': '<b>h</b>', 'text/plain': 'h' });
      const place = newDisplay(); place.update('first'); place.update({ 'image/png': new Uint8Array([1, 2, 3]) });
      clearOutput({ wait: true });
      ({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/markdown': '**m**' }) })`);
    const [shown, first] = ofType(messages, 'display_data');
    assert.deepEqual(shown!.data, { 'text/html': '<b>h</b>', 'text/plain': 'h' });
    const [update] = ofType(messages, 'update_display_data');
    assert.deepEqual(update!.data, { 'image/png': 'AQID' });
    assert.deepEqual(update!.transient, first!.transient);
    assert.deepEqual(ofType(messages, 'clear_output'), [{ wait: true }]);
    assert.deepEqual(ofType(messages, 'execute_result')[0]!.data, { 'text/markdown': '**m**' });
  });

  it('100,000 lines arrive, in order, and so does what else is written', async () => {
    const { reply, messages } = await run(
      'for (let i = 0; i < 100000; i++) console.log(i); process.stderr.write(Buffer.from("é").subarray(0, 1)); process.stderr.write(Buffer.from("é").subarray(1)); "end"',
    );
    assert.equal(reply.status, 'ok');
    assert.equal(text(messages), Array.from({ length: 100_000 }, (_, i) => `${i}\n`).join(''));
    assert.equal(text(messages, 'stderr'), 'é');
    assert.equal(resultOf(messages), "'end'");
  });

  it('writes to the descriptors 1 and 2 are output, in their order; they cannot be closed', async () => {
    const file = JSON.stringify(join(folder, 'own.txt'));
    const { reply, messages } = await run(`// @ts-nocheck: some calls are wrong on purpose
      import fs, { writeSync } from 'node:fs';
      import { once } from 'node:events';
      import { promisify } from 'node:util';
      console.log('console');
      const counts = [writeSync(1, 'é text\\n'), fs.writeSync(1, Buffer.from('-bytes\\n-'), 1, 6)];
      counts.push(fs.writeSync(1, new Uint8Array([35, 10, 35]), { offset: 0, length: 2 }));
      counts.push(fs.writevSync(1, [Buffer.from('list '), Buffer.from('of two\\n')]));
      fs.writeSync(1, '4142', null, 'hex');
      fs.writeSync(2, Buffer.from('é').subarray(0, 1));
      process.stderr.write(Buffer.from('é').subarray(1));
      fs.writeFileSync(1, ' file\\n');
      fs.appendFileSync(1, Buffer.from('appended\\n'));
      const { bytesWritten } = await promisify(fs.write)(1, Buffer.from('promise\\n'));
      await new Promise((resolve) => fs.writeFile(1, 'callback\\n', () => resolve()));
      const stream = fs.createWriteStream('', { fd: 1 });
      stream.end('stream\\n');
      await once(stream, 'close');
      fs.closeSync(1);
      const other = fs.openSync(${file}, 'w');
      const refused = [];
      for (const wrong of [() => fs.writeSync(1, 3), () => fs.writeSync(1, Buffer.alloc(2), 1, 5)]) {
        try { wrong() } catch (error) { refused.push(error.code) }
      }
      fs.writeSync(other, 'own');
      fs.closeSync(other);
      const { write } = process.stdout;
      process.stdout.write = (chunk) => fs.writeSync(1, chunk) > 0;
      process.stdout.write('replaced\\n');
      process.stdout.write = write;
      ({ counts, bytesWritten, refused, fd: other > 2, own: fs.readFileSync(${file}, 'utf8') })
    `);
    assert.equal(reply.status, 'ok', String(reply.evalue));
    assert.equal(
      text(messages),
      'console\né text\nbytes\n#\nlist of two\nAB file\nappended\npromise\ncallback\nstream\nreplaced\n',
    );
    assert.equal(text(messages, 'stderr'), 'é');
    const shown = String(resultOf(messages)).replace(/\s+/g, ' ');
    assert.equal(
      shown,
      "{ counts: [ 8, 6, 2, 12 ], bytesWritten: 8, refused: [ 'ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE' ], fd: true, own: 'own' }",
    );
  });

  it('late output and late errors belong to the cell that caused them', async () => {
    const late: Message[] = [];
    const first = await run(
      'setTimeout(() => { console.log("late"); Promise.reject(new Error("lost")); }, 150)',
    );
    const arrived = new Promise<void>((resolve) => {
      client.onOther = (message) => {
        late.push(message);
        if (text(late, 'stderr').includes('lost')) resolve();
      };
    });
    const second = await run('await new Promise((r) => setTimeout(r, 400)); console.log("mine")');
    await arrived;
    client.onOther = undefined;
    assert.equal(text(second.messages), 'mine\n');
    const parent = (first.messages[0]!.parent as { msg_id: string }).msg_id;
    const streams = late.filter(({ header }) => header.msg_type === 'stream');
    assert.equal(text(streams), 'late\n');
    assert.ok(streams.every((message) => message.parent.msg_id === parent));
  });

  const lateErrors: [string, string, string][] = [
    ['a rejection nobody awaits', 'Promise.reject(new RangeError("late"));', 'Unhandled rejection'],
    [
      'one in an asynchronous function',
      'async function f() { await null; throw new RangeError("late") }\nf();',
      'Unhandled rejection',
    ],
    [
      'an error in a timer that is due',
      'setTimeout(() => { throw new RangeError("late") }, 0);',
      'Uncaught in the background',
    ],
  ];
  for (const [name, code, kind] of lateErrors) {
    it(`${name} right after the last statement is shown before the cell is idle, at its place`, async () => {
      const { reply, messages } = await run(`${code} void 0`);
      assert.equal(reply.status, 'ok');
      const shown = text(messages, 'stderr');
      assert.ok(shown.startsWith(`${kind}: RangeError: late\n> `), shown);
      assert.match(shown, /\n {4}at .*cell-\d+\.ts:1:\d+/);
      assert.equal(await value('"alive"'), "'alive'");
    });
  }

  it('child processes that share our streams are heard', async () => {
    const { messages } = await run(
      'import { spawn, spawnSync, execSync } from "node:child_process"; import { once } from "node:events"; spawnSync("echo", ["sync"], { stdio: "inherit" }); const child = spawn("sh", ["-c", "echo async; echo oops >&2"], { stdio: "inherit" }); await once(child, "close"); execSync("echo exec", { stdio: "inherit" }); 0',
    );
    assert.equal(text(messages), 'sync\nasync\nexec\n');
    assert.equal(text(messages, 'stderr'), 'oops\n');
  });

  describe('stop', () => {
    const loops: [string, string][] = [
      ['a synchronous loop', 'while (true) n++'],
      ['a loop after an await', 'await null; while (true) n++'],
      ['a promise that never settles', 'await new Promise(() => {})'],
      [
        'endless promise jobs',
        'const again = (): Promise<unknown> => Promise.resolve().then(again); again(); await new Promise(() => {})',
      ],
      ['a loop in a timer', 'setTimeout(() => { while (true) n++ }, 5); await new Promise(() => {})'],
      ['an asynchronous loop', 'for (;;) await new Promise((r) => setTimeout(r, 5))'],
      ['an asynchronous loop that catches everything', 'for (;;) { try { await 1 } catch {} }'],
      [
        'a for await without end',
        'for await (const _ of (async function* () { for (;;) yield await 1 })()) n++',
      ],
      ['a child process', '(await import("node:child_process")).execSync("sleep 30")'],
      ['endless output', 'while (true) console.log("x".repeat(100))'],
    ];
    for (const [name, code] of loops) {
      it(`${name} ends, and variables keep their values`, async () => {
        await run('let n = 5; let kept = "kept"');
        const { reply, messages } = await runAndStop(code);
        assert.deepEqual([reply.status, reply.ename], ['error', 'Interrupted']);
        assert.equal(ofType(messages, 'error').length, 1);
        assert.equal(await value('[kept, n >= 5]'), "[ 'kept', true ]");
      });
    }

    it('a job between steps saves and returns what it has, though it never yields', async () => {
      const job = `import { isCancelled, stopsWithin } from ${JSON.stringify(CORE)};
        let saved = 0;
        const done = await stopsWithin(10, () => { for (let step = 1; ; step++) { const t = Date.now(); while (Date.now() - t < 600); if (isCancelled()) { saved = step; return step } } })`;
      const { reply } = await runAndStop(job);
      assert.equal(reply.ename, 'Interrupted');
      assert.equal(await value('saved > 0 && saved === done'), 'true');
    });

    it('so does a loop that announces nothing but has asked before, however long its step', async () => {
      const job = `import { isCancelled } from ${JSON.stringify(CORE)};
        let steps = 0;
        while (!isCancelled()) { const t = Date.now(); while (Date.now() - t < 900); steps++ }`;
      await runAndStop(job, 200);
      // Ended by force, the step would not have been counted.
      assert.equal(await value('steps > 0'), 'true');
    });

    it('finally runs, and what waits in the queue is dropped', async () => {
      const first = runAndStop(
        'try { await new Promise(() => {}) } finally { console.log("cleaned up") }',
        50,
      );
      const second = run('"never"');
      assert.equal(text((await first).messages), 'running\ncleaned up\n');
      assert.equal((await second).reply.status, 'aborted');
    });

    it('does nothing to an idle kernel', async () => {
      await client.interrupt();
      assert.equal(await value('"alive"'), "'alive'");
    });
  });

  it('process.exit does not take the kernel down', async () => {
    assert.match(String((await run('process.exit(3)')).reply.evalue), /Restart/);
    assert.equal(await value('1'), '1');
  });

  it('asks for input where the front end can, and says so where it cannot', async () => {
    client.onInput = (prompt) => `answer to ${prompt}`;
    const { messages } = await run('await input("name? ")', { allowStdin: true });
    assert.equal(resultOf(messages), "'answer to name? '");
    assert.match(String((await run('await input("?")')).reply.evalue), /no stdin/);
  });

  it('comms: unknown targets are closed, open ones are listed', async () => {
    const closed = new Promise<JsonObject>((resolve) => {
      client.onOther = (message) => {
        if (message.header.msg_type === 'comm_close') resolve(message.content);
      };
    });
    client.send('shell', 'comm_open', { comm_id: 'c1', target_name: 'nobody', data: {} });
    assert.equal((await closed).comm_id, 'c1');
    client.onOther = undefined;
    assert.deepEqual((await client.request('shell', 'comm_info_request', {})).comms, {});
  });

  it('completion and documentation count code points and answer while a cell runs', async () => {
    await run(
      '/** The doc of it. */\nconst myFunction = (first: number, second: string) => first + second.length;',
    );
    // Started without a busy neighbour: only that it answers beside one is the point.
    await client.request('shell', 'complete_request', { code: 'myFun', cursor_pos: 5 });
    const busy = run('const until = Date.now() + 20000; while (Date.now() < until);');
    const code = '"😀😀"; myFun';
    const complete = await client.request('shell', 'complete_request', { code, cursor_pos: 11 });
    assert.deepEqual([complete.matches, complete.cursor_start, complete.cursor_end], [['myFunction'], 6, 11]);
    const inspect = await client.request('shell', 'inspect_request', {
      code: '"😀"; myFunction(',
      cursor_pos: 8,
      detail_level: 0,
    });
    const shown = (inspect.data as JsonObject)['text/plain'] as string;
    assert.match(shown, /first: number, second: string/);
    assert.match(shown, /The doc of it/);
    await client.interrupt();
    assert.equal((await busy).reply.ename, 'Interrupted');
  });

  it('is_complete', async () => {
    const status = async (code: string) =>
      (await client.request('shell', 'is_complete_request', { code })).status;
    for (const code of ['1 + 1', 'await f()', 'function f() {}', 'import { a } from "b"'])
      assert.equal(await status(code), 'complete', code);
    for (const code of ['const a = ', '`open', 'function f() {', 'f(1,', '/* c', '[1,\n2'])
      assert.equal(await status(code), 'incomplete', code);
    for (const code of ['let x = ;', ')', '"open', 'class 1 {}'])
      assert.equal(await status(code), 'invalid', code);
  });

  it('a forged message is ignored, also on the control channel', async () => {
    const forger = new KernelClient(kernel.connection, 'another key');
    try {
      // connect() would wait for an answer that must not come; only the sockets are wanted.
      const waiting = forger.connect().catch(() => {});
      forger.send('shell', 'execute_request', { code: 'globalThis.forged = true' });
      forger.send('control', 'shutdown_request', { restart: false });
      const honest = await value('await new Promise((r) => setTimeout(r, 300)); typeof forged');
      assert.equal(honest, "'undefined'");
      forger.fail(new Error('done'));
      await waiting;
    } finally {
      forger.close();
    }
  });

  it('a second kernel beside it; restart while busy; the first one is untouched', async () => {
    await run('let mine = "first"');
    const connection = { ...(await makeConnection()) };
    const [shell, iopub, stdin, control, hb] = await freePorts(5);
    Object.assign(connection, {
      transport: 'tcp',
      ip: '127.0.0.1',
      shell_port: shell,
      iopub_port: iopub,
      stdin_port: stdin,
      control_port: control,
      hb_port: hb,
      key: '',
    });
    const other = await launchKernel({ cwd: folder, connection });
    try {
      assert.equal(resultOf((await other.client.execute('typeof mine')).messages), "'undefined'");
      const busy = assert.rejects(other.client.execute('while (true);'), /the kernel process ended/);
      const exit = once(other.process, 'exit');
      assert.deepEqual(await other.client.shutdown(true), { status: 'ok', restart: true });
      await exit;
      await busy;
    } finally {
      await other.close();
    }
    assert.equal(await value('mine'), "'first'");
  });
});

/** What values and errors look like when a cell ends with them, prints them or throws them. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type LaunchedKernel, launchKernel } from '../../src/kernel/launch.ts';
import { encode, type JsonObject, makeHeader, Signer } from '../../src/kernel/protocol.ts';

describe('values and errors of cells', function () {
  this.timeout(60_000);
  let kernel: LaunchedKernel;
  let folder: string;

  /** Everything a cell has shown, as one text. */
  const shown = async (code: string): Promise<string> => {
    const { messages } = await kernel.client.execute(code);
    return messages
      .map(({ content }) => {
        const { data, text, traceback } = content as {
          data?: JsonObject;
          text?: string;
          traceback?: string[];
        };
        return data?.['text/plain'] ?? text ?? traceback?.join('\n') ?? '';
      })
      .join('');
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-values-test-'));
    // A project may have a folder of the name of ours.
    mkdirSync(join(folder, 'src', 'kernel'), { recursive: true });
    writeFileSync(
      join(folder, 'src', 'kernel', 'lib.ts'),
      'export const call = <T>(work: () => T): T => work();\nexport const make = () => new RangeError("made");\n',
    );
    kernel = await launchKernel({ cwd: folder, typeCheck: 'off' });
  });
  after(async () => {
    await kernel.close();
    rmSync(folder, { recursive: true });
  });

  describe('an error that is shown, not thrown, has the lines of the cell and nothing of the kernel', () => {
    const cells: [what: string, code: string, lines: RegExp[]][] = [
      ['result', 'new Error("x")', [/^Error: x\n {4}at .*cell-\d+\.ts:1:1$/]],
      [
        'inside an object',
        '({ a: [new TypeError("x", { cause: new Error("y") })] })',
        [/TypeError: x/, /\[cause\]: Error: y/],
      ],
      [
        'several',
        'new AggregateError([new Error("a"), new Error("b")], "many")',
        [/many/, /Error: a/, /Error: b/],
      ],
      ['printed', 'console.log(new Error("x")); console.error(new Error("y"))', [/Error: x/, /Error: y/]],
      [
        'of a module',
        'import { make } from "./src/kernel/lib.ts"; make()',
        [/at make .*src\/kernel\/lib\.ts:2:\d+/],
      ],
      [
        'through a module',
        'import { call } from "./src/kernel/lib.ts"; call(() => new Error("x"))',
        [/at call .*src\/kernel\/lib\.ts:1:\d+/],
      ],
      [
        'of a program that is not there',
        'require("node:child_process").spawnSync("no-such-program").error',
        [/ENOENT/],
      ],
      ['after an await', 'await null; new Error("x")', [/Error: x/]],
      ['in a timer', 'await new Promise((r) => setTimeout(() => r(new Error("x"))))', [/Error: x/]],
    ];
    for (const [what, code, lines] of cells) {
      it(what, async () => {
        const text = await shown(code);
        for (const line of lines) assert.match(text, line);
        assert.match(text, /at .*cell-\d+\.ts:\d+:\d+/);
        assert.doesNotMatch(
          text,
          /executor\.ts|compiler\.ts|capture-|cancellation\.ts|node:internal\/(timers|async)/,
        );
      });
    }
  });

  describe('a thrown error', () => {
    it('keeps frames of a project folder named like ours', async () => {
      const text = await shown(
        'import { call } from "./src/kernel/lib.ts";\ncall(() => { throw new Error("x") })',
      );
      assert.match(text, /at call \(.*src\/kernel\/lib\.ts:1:\d+\)/);
    });

    it('shows where its causes come from, each once', async () => {
      const text = await shown(
        'const parse = () => JSON.parse("{");\nconst load = () => { try { parse() } catch (e) { throw new Error("no load", { cause: e }) } };\nload()',
      );
      assert.match(text, /^Error: no load\n/);
      assert.match(text, /\nCaused by: SyntaxError: .*\n(.*\n)? {4}at parse \(.*cell-\d+\.ts:1:\d+\)/);
      const circular = await shown('const c = new Error("c"); c.cause = c; throw c');
      assert.doesNotMatch(circular, /Caused by/);
    });

    it('of this package about a mistake of the user starts at the call', async () => {
      const text = await shown('\nfigures.passAtKCurve(5 as never)');
      assert.match(
        text,
        /^FIGURE_FRAME: .*\n +1 \| \n> 2 \| figures\.pass.*\n.*\n {4}at .*cell-\d+\.ts:2:\d+$/,
      );
    });

    it('counts the equal frames of a recursion', async () => {
      const text = await shown('const f = (n: number): number => f(n + 1) + 1; f(0)');
      assert.ok(text.split('\n').length < 15, text);
      assert.match(text, /at f \(.*\n {4}\.\.\. the same call \d+ more times/);
    });

    it('whose message looks like a frame has no frame of it', async () => {
      const text = await shown('throw new Error("a\\n    at fake (nowhere.ts:1:1)")');
      assert.equal(text.match(/^ {4}at fake/gm)?.length, 1, text);
    });
  });

  it('promises and timers print as Node prints them outside any context', async () => {
    assert.equal(
      await shown('[new Promise(() => {}), Promise.resolve(1)]'),
      '[ Promise { <pending> }, Promise { 1 } ]',
    );
    assert.equal(
      await shown('console.log({ p: Promise.resolve({ q: Promise.resolve(1) }) })'),
      '{ p: Promise { { q: [Promise] } } }\n',
    );
    assert.doesNotMatch(
      await shown('const t = setTimeout(() => {}, 1); clearTimeout(t); t'),
      /CellExecution|AbortSignal/,
    );
    assert.equal(await shown('Object.freeze(Promise.resolve(3)) && 1'), '1');
  });

  it('a cell that replaces `process` does not silence the kernel', async () => {
    await shown('globalThis.kept = process; globalThis.process = {}');
    assert.equal(await shown('"still there"'), "'still there'");
    assert.match(await shown('throw new Error("x")'), /Error: x/);
    assert.match(await shown('setImmediate(() => { throw new Error("late") }); 1'), /late/);
    await shown('globalThis.process = kept');
  });

  it('displays take bytes of every kind and refuse what no notebook can hold', async () => {
    const { messages } = await kernel.client.execute(
      'const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1); display({ "image/png": bytes }); display({ "image/png": bytes.slice().buffer }); display({ "image/png": new DataView(bytes.buffer, 1) }); display({ "application/json": { a: 1 }, "text/plain": ["a\\n", "b"] })',
    );
    const data = messages
      .filter(({ header }) => header.msg_type === 'display_data')
      .map(({ content }) => content.data);
    assert.deepEqual(data, [
      { 'image/png': 'AQID' },
      { 'image/png': 'AQID' },
      { 'image/png': 'AQID' },
      { 'application/json': { a: 1 }, 'text/plain': ['a\n', 'b'] },
    ]);
    assert.match(
      await shown('display({ "text/html": 5 })'),
      /text\/html of a display must be a text or bytes, got 5/,
    );
  });

  it('what JSON cannot carry is an error of the cell, not the end of the kernel', async () => {
    for (const data of [
      '{ n: 5n }',
      '(() => { const c: any = {}; c.c = c; return c })()',
      '{ f() { return this } }',
    ]) {
      const text = await shown(`kernel.comms.open("x", { data: ${data} } as never); "sent"`);
      assert.match(text, /BigInt|circular|^'sent'$/, data);
    }
    assert.match(await shown('display({ "application/json": { n: 5n } })'), /BigInt/);
    await shown('clearOutput({ wait: 5n as never })');
    assert.equal(await shown('"alive"'), "'alive'");
  });

  it('an object that refuses to be looked at is shown all the same', async () => {
    const code =
      'new Proxy({ a: 1 }, { get(_, key) { if (key === "then") return undefined; throw new Error("no") }, getPrototypeOf() { throw new Error("no") } })';
    assert.equal(await shown(code), '{ a: 1 }');
  });

  it('half a surrogate pair is sent as U+FFFD, which front ends can save', async () => {
    const sent = (content: JsonObject) => {
      const parts = { identities: [], header: makeHeader('x', 's'), parent: {}, metadata: {}, buffers: [] };
      const frames = encode({ ...parts, content }, new Signer(''));
      return JSON.parse(Buffer.from(frames[5]!).toString('utf8'));
    };
    const texts = ['\ud800', 'a\udc00b', '\udc00\ud83d', '😀', '\\ud800', '\\\ud800', 'plain'];
    for (const text of texts)
      assert.deepEqual(sent({ text }), { text: Buffer.from(text).toString() }, inspect(text));
    assert.equal(await shown('console.log("\\ud800|😀")'), '\ufffd|😀\n');
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecuteOptions, KernelClient } from '../../src/kernel/client.ts';
import { type LaunchedKernel, launchKernel } from '../../src/kernel/launch.ts';
import type { JsonObject, Message } from '../../src/kernel/protocol.ts';

const ofType = (messages: readonly Message[], type: string): JsonObject[] =>
  messages.filter(({ header }) => header.msg_type === type).map(({ content }) => content);

describe('type check before a cell runs', function () {
  this.timeout(120_000);
  let kernel: LaunchedKernel;
  let client: KernelClient;
  let folder: string;
  const run = (code: string, options: ExecuteOptions = {}) => client.execute(code, options);
  const succeed = async (code: string) => {
    const { reply, messages } = await run(code);
    assert.equal(reply.status, 'ok', `${code}\n${(reply.traceback as string[] | undefined)?.join('\n')}`);
    return (ofType(messages, 'execute_result')[0]?.data as JsonObject | undefined)?.['text/plain'];
  };
  const refuse = async (code: string) => {
    const { reply, messages } = await run(code);
    assert.equal(reply.status, 'error', `${code} has run`);
    assert.equal(ofType(messages, 'error').length, 1);
    return { ename: reply.ename, lines: reply.traceback as string[] };
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-types-'));
    mkdirSync(join(folder, 'notebooks'));
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noUncheckedIndexedAccess: true,
          noUnusedLocals: true,
          declaration: true,
          target: 'ES2023',
          lib: ['ES2023', 'DOM'],
          module: 'NodeNext',
          types: [],
        },
      }),
    );
    writeFileSync(join(folder, 'src', 'lib.ts'), 'export const half = (x: number): number => x / 2;\n');
    writeFileSync(join(folder, 'src', 'plain.js'), 'export const plain = 1;\n');
    writeFileSync(join(folder, 'src', 'data.json'), '{"answer": 42}');
    kernel = await launchKernel({ cwd: join(folder, 'notebooks') });
    client = kernel.client;
  });
  after(async () => {
    await kernel.close();
    rmSync(folder, { recursive: true });
  });

  it('Stop works while the check is under way, and the cell has not run', async () => {
    // The language service has only begun to start.
    const { reply } = await run('globalThis.ran = [1].map((x) => x);', {
      onMessage: ({ header }) => {
        if (header.msg_type === 'execute_input') void client.interrupt();
      },
    });
    assert.equal(reply.ename, 'Interrupted');
    assert.equal(await succeed('typeof ran'), "'undefined'");
  });

  it('shows every error at its place in the cell, with the lines around it, and does not run the cell', async () => {
    const { ename, lines } = await refuse(
      'console.log("ran");\nconst size: number = "three";\n\nsize.toFixd(2)',
    );
    assert.equal(ename, 'TypeScript error TS2322');
    assert.match(
      lines[0]!,
      /^TypeScript error TS2322: Type 'string' is not assignable .*\(cell-\d+\.ts:2:7\)$/,
    );
    assert.deepEqual(lines.slice(1, 6), [
      '  1 | console.log("ran");',
      '> 2 | const size: number = "three";',
      '    |       ^',
      '  3 | ',
      '  4 | size.toFixd(2)',
    ]);
    assert.match(lines[6]!, /^TypeScript error TS2551: .*'toFixd'.*\(cell-\d+\.ts:4:6\)$/);
    // What it declares does not exist, for the compiler either.
    assert.equal((await refuse('size + 1')).ename, 'TypeScript error TS2304');
  });

  it('bounds what it shows', async () => {
    const { lines } = await refuse(Array.from({ length: 30 }, (_, i) => `"a" - ${i};`).join('\n'));
    assert.equal(lines.filter((line) => line.startsWith('TypeScript error')).length, 10);
    assert.ok(lines.includes('… and 20 more errors'), lines.join('\n'));
  });

  it("sees earlier cells, modules, and the project's own options", async () => {
    await succeed(
      'import { half } from "../src/lib.ts"; let total = half(4); class Box<T> { constructor(readonly of: T) {} }',
    );
    await succeed('total += half(2); const boxes = [new Box(total)];');
    assert.match((await refuse('half("4")')).lines[0]!, /TS2345/);
    assert.match((await refuse('total = "text"')).lines[0]!, /TS2322/);
    assert.match((await refuse('boxes[0].of')).lines[0]!, /TS2532/); // noUncheckedIndexedAccess
    assert.equal(await succeed('boxes[0]!.of'), '3');
  });

  const accepted: [string, string, string | undefined][] = [
    ['a name declared again, as something else', 'const again = 1; class Other {}', undefined],
    ['…', 'class again { static v = 2 } let Other = "x"; [again.v, Other.length]', '[ 2, 1 ]'],
    ['a name for a type and a value', 'interface Both { a: 1 } const Both = { a: 1 } as Both;', undefined],
    ['…', 'const both: Both = Both; both.a', '1'],
    [
      'await at the top level',
      'const waited = await Promise.resolve([1, 2]); for await (const x of waited) void x;',
      undefined,
    ],
    ['a property of the global object', 'globalThis.dynamic = 4; dynamic + 1', '5'],
    ['the same later', 'dynamic * 2', '8'],
    ['typeof an unknown name', 'typeof nowhere === "undefined"', 'true'],
    ['a variable without a type', 'let grows = []; grows.push(1); let later; later = 3', '3'],
    [
      'JavaScript without types, JSON, Node without its types',
      'import { plain } from "../src/plain.js"; import data from "../src/data.json"; import { sep } from "node:path"; [plain, data.answer, typeof sep]',
      "[ 1, 42, 'string' ]",
    ],
    ['a missing extension', 'const { half: other } = await import("../src/lib"); other(2)', '1'],
    [
      'using, enums, decorators',
      'enum E { A } namespace N { export const n = 1 } { using r = { [Symbol.dispose]() {} }; void r } E.A + N.n',
      '1',
    ],
    ['a generic arrow function', 'const same = <T>(x: T) => x; same(5)', '5'],
    ['a type assertion in angle brackets', '<number>(5 as unknown) + 1', '6'],
    ['an object without brackets', '{ a: 1, b: [2] }', '{ a: 1, b: [ 2 ] }'],
    ['nothing that is used', 'const unused = 1; function alsoUnused() {}', undefined],
    ['@ts-expect-error', '// @ts-expect-error meant\nconst odd: number = "x"; odd', "'x'"],
    ['@ts-nocheck', '// my cell\n// @ts-nocheck\nconst odd2: number = "x"; odd2', "'x'"],
  ];
  for (const [name, code, expected] of accepted) {
    it(`accepts ${name}: ${code.slice(0, 40)}`, async () => assert.equal(await succeed(code), expected));
  }

  it('knows a module as soon as it is there, by its types, and no longer when it is gone', async () => {
    const path = join(folder, 'src', 'fresh.ts');
    const cell = 'import { fresh } from "../src/fresh.ts"; fresh.length';
    assert.match((await refuse(cell)).lines[0]!, /TS2307/);
    writeFileSync(path, 'export const fresh = "ab";\n');
    assert.equal(await succeed(cell), '2');
    assert.match((await refuse('fresh.toFixed()')).lines[0]!, /TS2(339|551)/);
    writeFileSync(path, 'export const fresh = 12;\n');
    assert.match((await refuse(cell)).lines[0]!, /TS2339/);
    rmSync(path);
    assert.match((await refuse(cell)).lines[0]!, /TS2307/);
  });

  it('knows a package as soon as it is installed, by its types, also in another version', async () => {
    const install = (type: string, value: string) => {
      const target = join(folder, 'node_modules', 'fresh-package');
      rmSync(target, { recursive: true, force: true });
      mkdirSync(target, { recursive: true });
      writeFileSync(
        join(target, 'package.json'),
        '{"name":"fresh-package","type":"module","types":"index.d.ts"}',
      );
      writeFileSync(join(target, 'index.js'), `export const installed = ${value};\n`);
      writeFileSync(join(target, 'index.d.ts'), `export declare const installed: ${type};\n`);
    };
    const cell = 'import { installed } from "fresh-package"; installed.length';
    assert.match((await refuse(cell)).lines[0]!, /TS2307/);
    install('string', '"abc"');
    assert.equal(await succeed(cell), '3');
    install('number', '5');
    assert.match((await refuse(cell)).lines[0]!, /TS2339/);
  });

  it('parameters from outside keep the type the notebook gave them', async () => {
    await succeed('const kind: "full" | "quick" = "full" as "full" | "quick";');
    await succeed('// Parameters\nvar kind = "quick";');
    assert.equal(await succeed('const back: "full" | "quick" = kind; back'), "'quick'");
  });

  it('a cell that is not stored does not hide another', async () => {
    await succeed('const stored = 1;');
    await run('const unstored = 2;', { storeHistory: false });
    assert.equal(await succeed('stored + unstored'), '3');
  });

  it('silent cells and user expressions are not checked', async () => {
    const { reply } = await run('const quiet: number = "s";', {
      silent: true,
      userExpressions: { it: 'quiet - 0' },
    });
    assert.deepEqual(
      [reply.status, ((reply.user_expressions as JsonObject).it as JsonObject).status],
      ['ok', 'ok'],
    );
  });

  it('a syntax error is told as one', async () => {
    assert.equal((await refuse('const = 3')).ename, 'SyntaxError');
  });

  it('kernel.typeCheck turns errors into warnings, off and on again', async () => {
    assert.equal(await succeed('kernel.typeCheck("warn")'), "'warn'");
    const { reply, messages } = await run('const w: number = "w"; w');
    assert.equal(reply.status, 'ok');
    const [warning] = ofType(messages, 'stream');
    assert.equal(warning!.name, 'stderr');
    assert.match(String(warning!.text), /^TypeScript error TS2322[\s\S]*> 1 \| const w/);
    assert.equal((ofType(messages, 'execute_result')[0]!.data as JsonObject)['text/plain'], "'w'");
    await succeed('kernel.typeCheck("off")');
    const off = await run('const o: number = "o";');
    assert.deepEqual(ofType(off.messages, 'stream'), []);
    await succeed('kernel.typeCheck("error")');
    await refuse('const e: number = "e";');
    const refused = await run('// @ts-nocheck\nkernel.typeCheck("loud")');
    assert.equal(refused.reply.ename, 'TYPE_CHECK_MODE');
  });

  describe('helpers', () => {
    it('are there without an import, with their types', async () => {
      const source =
        'tasks.createTaskSource({ world: "micro", contexts: ["zoo"], ops: "2", split: "test", seed: 1 })';
      assert.equal(await succeed(`${source}.at(0).op`), '2');
      assert.match((await refuse('tasks.createTaskSource({ wrld: "micro" })')).lines[0]!, /wrld/);
    });
    it('give way to a variable of the same name', async () => {
      assert.equal(await succeed('const tasks = [1, 2]; tasks.length'), '2');
      assert.equal(await succeed('tasks.map((n) => n * 2)'), '[ 2, 4 ]');
    });
    it('are completed and documented', async () => {
      const ask = (type: string, code: string) =>
        client.request('shell', type, { code, cursor_pos: code.length, detail_level: 0 });
      const { matches } = await ask('complete_request', 'figur');
      assert.ok((matches as string[]).includes('figures'), String(matches));
      const members = await ask('complete_request', 'kernel.typ');
      assert.deepEqual(members.matches, ['typeCheck']);
      const shown = (await ask('inspect_request', 'newDisplay')).data as JsonObject;
      assert.match(
        String(shown['text/plain']),
        /function newDisplay\(\): DisplayHandle[\s\S]*empty until its first update/,
      );
      const module = (await ask('inspect_request', 'verify')).data as JsonObject;
      assert.match(String(module['text/plain']), /function verify\(/);
    });
  });
});

it('a kernel started with --type-check=off checks nothing', async function () {
  this.timeout(60_000);
  const kernel = await launchKernel({ cwd: tmpdir(), typeCheck: 'off' });
  try {
    assert.equal((await kernel.client.execute('const n: number = "x";')).reply.status, 'ok');
  } finally {
    await kernel.close();
  }
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CellCompiler } from '../../src/kernel/cell/compiler.ts';
import { Edits } from '../../src/kernel/cell/edits.ts';
import { codeFrame } from '../../src/kernel/cell/position.ts';
import { CellSyntaxError } from '../../src/kernel/cell/syntax-error.ts';
import { transformCell } from '../../src/kernel/cell/transform.ts';

/** Runs cells in this process, one session per notebook. */
class Notebook {
  readonly #compiler: CellCompiler;
  #count = 0;
  constructor(folder: string) {
    this.#compiler = new CellCompiler(folder);
  }
  run(code: string): Promise<unknown> {
    return this.#compiler.compile(code, `cell-${++this.#count}.ts`)();
  }
}

const transform = (code: string) =>
  transformCell(code, { cellName: 'cell-1.ts', builtins: new Set(['URL']) });

describe('compiling cells', () => {
  let folder: string;
  let names: string[];
  let notebook: Notebook;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-cells-'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(folder, 'module.ts'),
      'export const twice = (x: number): number => 2 * x;\nexport default 7;\nexport interface Shape { a: number }\n',
    );
    writeFileSync(
      join(folder, 'common.cjs'),
      'const api = {}; for (const n of ["one", "two"]) api[n] = n.length; module.exports = api;',
    );
    writeFileSync(join(folder, 'data.json'), '{"answer": 42}');
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    names = Object.getOwnPropertyNames(globalThis);
    notebook = new Notebook(folder);
  });
  afterEach(() => {
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      // Helpers of the TypeScript compiler (`__esDecorate`) cannot be deleted, and need not be.
      if (!names.includes(name)) Reflect.deleteProperty(globalThis, name);
    }
  });

  describe('results', () => {
    const cases: [string, unknown][] = [
      ['1 + 1', 2],
      ['const a = 5', undefined],
      ['const b = 5; b * 2 // trailing comment', 10],
      ['"use strict as a value"', 'use strict as a value'],
      ['{ a: 1, b: [2] }', { a: 1, b: [2] }],
      ['{ 3; }', undefined],
      ['', undefined],
      ['// nothing but a comment', undefined],
      ['7; interface Trailing { x: number }', 7],
      ['await Promise.resolve(3) satisfies number', 3],
      [`\`a \${1 + 1} // not a comment\``, 'a 2 // not a comment'],
      ['\'import { x } from "y"; await z\'', 'import { x } from "y"; await z'],
      ['/* import x from "y" */ 4', 4],
      ['export default 9', 9],
      ['(function () { return typeof this })()', 'undefined'],
      ['[1, 2].map((x) => x * 2)', [2, 4]],
      ['let r = 0; for (let i = 0; i < 4; i++) r += i; r', 6],
      ['const first = 1\nconst { second } = { second: 2 }\n;[first, second]', [1, 2]],
      ['let unset: string | undefined; typeof unset', 'undefined'],
    ];
    for (const [code, expected] of cases) {
      it(JSON.stringify(code), async () => assert.deepEqual(await notebook.run(code), expected));
    }
  });

  describe('state across cells', () => {
    it('closures follow a variable that another cell reassigns', async () => {
      assert.equal(
        await notebook.run('let counter = 0; function inc() { counter++; return counter }; inc()'),
        1,
      );
      assert.equal(await notebook.run('counter += 10; inc()'), 12);
    });
    it('a function sees a later redefinition of what it calls', async () => {
      await notebook.run('function inner() { return 1 } function outer() { return inner() }');
      assert.equal(await notebook.run('function inner() { return 2 } outer()'), 2);
    });
    it('anything may be declared again, as anything', async () => {
      await notebook.run('const thing = 1; class Other {}');
      await notebook.run('class thing { static v = 2 } let Other = 3');
      assert.deepEqual(await notebook.run('function Other() {} [thing.v, typeof Other]'), [2, 'function']);
    });
    it('a declaration without a value resets, as in a fresh scope', async () => {
      await notebook.run('let again = 1');
      assert.equal(await notebook.run('let again; again'), undefined);
    });
    it('what a failed cell had set stays', async () => {
      await assert.rejects(notebook.run('const kept = 3; throw new Error("stop")'), /stop/);
      assert.equal(await notebook.run('kept'), 3);
    });
    it('loop variables and block variables stay inside, var comes out', async () => {
      await notebook.run(
        'for (let hidden = 0; hidden < 2; hidden++) { var shown = hidden } for (var [k, v] of [[1, 2]]) {}',
      );
      assert.deepEqual(await notebook.run('[typeof hidden, shown, k, v]'), ['undefined', 1, 1, 2]);
    });
  });

  describe('declarations', () => {
    it('destructuring with defaults, rest, holes, renaming and types', async () => {
      const code = `const { a, b: [x = 3, , ...rest], ...others }: any = { a: 1, b: [undefined, 4, 5, 6], c: 7 }, z: number = 9;
        [a, x, rest, others, z]`;
      assert.deepEqual(await notebook.run(code), [1, 3, [5, 6], { c: 7 }, 9]);
    });
    it('functions are hoisted, keep their name, and may be async or generators', async () => {
      const code =
        'const early = late(); function late() { return 4 } async function* stream() { yield 1 }; [early, late.name, stream.name]';
      assert.deepEqual(await notebook.run(code), [4, 'late', 'stream']);
    });
    it('overloads', async () => {
      const code =
        'function over(a: string): string; function over(a: number): number; function over(a: unknown) { return a } over(2)';
      assert.equal(await notebook.run(code), 2);
    });
    it('classes: abstract, derived, private members, static blocks, decorators', async () => {
      const code = `function tag<T extends abstract new (...a: never[]) => object>(c: T, _: unknown) { (c as any).tagged = true; return c }
        abstract class Base { abstract f(): number; static made = 0; static { Base.made = 5 } }
        @tag export class Derived extends Base { #secret = 2; constructor(readonly k = 3) { super() } f() { return this.#secret + this.k } }
        [new Derived().f(), Base.made, (Derived as any).tagged, Derived.name]`;
      assert.deepEqual(await notebook.run(code), [5, 5, true, 'Derived']);
    });
    it('enums and namespaces, also empty ones, afresh each time', async () => {
      await notebook.run(
        'enum Color { Red, Green = 5 } namespace Util { export const q = Color.Green; export interface I {} } namespace Types { export type T = 1 }',
      );
      assert.deepEqual(await notebook.run('[Color.Green, Color[0], Util.q, typeof Types]'), [
        5,
        'Red',
        5,
        'undefined',
      ]);
      assert.deepEqual(await notebook.run('enum Color { Blue } Object.keys(Color)'), ['0', 'Blue']);
    });
    it('types leave nothing behind', async () => {
      assert.equal(
        await notebook.run(
          'interface A { x: 1 } type B = A; declare const absent: B; declare function gone(): void; 1',
        ),
        1,
      );
      assert.deepEqual(await notebook.run('[typeof absent, typeof gone]'), ['undefined', 'undefined']);
    });
    it('using disposes at the end of the cell', async () => {
      assert.deepEqual(
        await notebook.run(
          'const log: string[] = []; using r = { [Symbol.dispose]() { log.push("gone") } }; log.push("used"); log',
        ),
        ['used', 'gone'],
      );
    });
  });

  describe('names of built-ins', () => {
    it('a cell variable replaces a built-in in cells only', async () => {
      await notebook.run('const URL = "mine"; const o = { URL }; function f(URL: number) { return URL }');
      assert.deepEqual(
        await notebook.run('const { URL: copy } = o; [URL, o.URL, copy, f(3), typeof globalThis.URL]'),
        ['mine', 'mine', 'mine', 3, 'function'],
      );
      assert.equal(typeof URL, 'function');
    });
    it('in declarations, patterns, imports, classes and functions alike', async () => {
      const code = `import { setTimeout } from 'node:timers/promises'; const [{ Event = 4 }] = [{}] as any; class Blob { static own = 1 } function fetch() { return 'local' }
        [await setTimeout(1, 'slept'), Event, Blob.own, fetch()]`;
      assert.deepEqual(await notebook.run(code), ['slept', 4, 1, 'local']);
      assert.equal(typeof new globalThis.Blob().size, 'number');
    });
  });

  describe('await', () => {
    it('in try, finally, loops, arguments, templates and nested functions', async () => {
      const code = `const seen: unknown[] = [];
        try { seen.push(await Promise.resolve(1)); await Promise.reject(new Error('no')) } catch (e) { seen.push((e as Error).message) } finally { seen.push(await 2) }
        for await (const v of [Promise.resolve(3), 4]) seen.push(v);
        const nested = async () => \`\${await Promise.resolve(5)}\`;
        seen.push(await nested(), Math.max(await 6, await (await Promise.resolve(Promise.resolve(7)))));
        seen`;
      assert.deepEqual(await notebook.run(code), [1, 'no', 2, 3, 4, '5', 7]);
    });
    it('a for await that breaks closes its source', async () => {
      const code =
        'let closed = false; async function* source() { try { yield 1; yield 2 } finally { closed = true } } for await (const _ of source()) break; closed';
      assert.equal(await notebook.run(code), true);
    });
    it('thenables that are no promises', async () => {
      assert.equal(await notebook.run('await { then(ok: (v: number) => void) { ok(8) } }'), 8);
    });
  });

  describe('imports', () => {
    it('default, named, renamed, namespace, side effect; built in, TypeScript, CommonJS, JSON', async () => {
      const code = `import seven, { twice as double, type Shape } from './module.ts';
        import * as all from './module.ts'; import './module.ts'; import { one } from './common.cjs'; import common from './common.cjs';
        import data from './data.json'; import fs, { readFileSync } from 'node:fs'; import os = require('node:os');
        const s: Shape = { a: 1 };
        [seven, double(4), Object.keys(all).sort(), one, common.two, data.answer, fs.readFileSync === readFileSync, typeof os.cpus, s.a]`;
      assert.deepEqual(await notebook.run(code), [7, 8, ['default', 'twice'], 3, 3, 42, true, 'function', 1]);
    });
    it('a type imported like a value is no error, a missing value is', async () => {
      assert.equal(
        await notebook.run(
          "import { Shape, twice } from './module.ts'; const s: Shape = { a: 2 }; twice(s.a)",
        ),
        4,
      );
      await assert.rejects(
        notebook.run("import { missing } from './module.ts'; missing()"),
        /does not provide an export named 'missing'/,
      );
    });
    it('import(), import.meta, require and __dirname start at the notebook', async () => {
      const code =
        "[(await import('./module.ts')).default, import.meta.dirname, require('./common.cjs').one, __dirname, import.meta.resolve('./x.ts')]";
      assert.deepEqual(await notebook.run(code), [7, folder, 3, folder, `file://${folder}/x.ts`]);
    });
  });

  describe('errors', () => {
    const syntax: [string, string][] = [
      ['const a = ;', 'cell-1.ts:1:11'],
      ['let x = 1;\n  foo(', 'cell-1.ts:2:7'],
      ['\n\nbreak', 'cell-1.ts:3:1'],
      ['const ok = 1;\nif (ok) { 1 = 2 }', 'cell-1.ts:2:11'],
    ];
    for (const [code, place] of syntax) {
      it(`${JSON.stringify(code)} does not compile at ${place}`, () => {
        assert.throws(
          () => new CellCompiler(folder).compile(code, 'cell-1.ts'),
          (error) => error instanceof CellSyntaxError && error.place === place,
        );
      });
    }
    it('nothing of a cell that does not parse has happened', async () => {
      await assert.rejects(async () => notebook.run('globalThis.touched = 1; const ='), CellSyntaxError);
      assert.equal(await notebook.run('typeof touched'), 'undefined');
    });
    it('positions survive removed types, imports and blank lines', () => {
      const code =
        'import { a } from "x";\ninterface Foo {\n  a: number;\n}\n\nconst b: Foo = { a: 1 };   boom(b);';
      const compiled = transform(code);
      const lines = compiled.js.split('\n');
      const line = lines.findIndex((text) => text.includes('boom'));
      const at = compiled.toCell({ line, column: lines[line]!.indexOf('boom') });
      assert.deepEqual(at, { line: 5, column: code.split('\n')[5]!.indexOf('boom') });
    });
    it('a code frame marks the column, tabs kept', () => {
      assert.deepEqual(codeFrame('a\n\tb c\nd', { line: 1, column: 3 }, 1), [
        '  1 | a',
        '> 2 | \tb c',
        '    | \t  ^',
        '  3 | d',
      ]);
    });
  });

  it('edits know where text came from', () => {
    const edits = new Edits('const a = 1;');
    edits.remove(0, 6);
    edits.insert(10, 'f(');
    edits.insert(11, ')');
    const { text, toOriginal } = edits.apply();
    assert.equal(text, 'a = f(1);');
    assert.deepEqual([0, 4, 6, 7, 8].map(toOriginal), [6, 10, 10, 11, 11]);
  });
});

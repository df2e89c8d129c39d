import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InterplayError } from '../../src/core/index.ts';
import { executeNotebook } from '../../src/kernel/headless.ts';
import {
  checkLanguage,
  formatNotebook,
  injectParameters,
  modernize,
  type Notebook,
  type Output,
  OutputCollector,
  parseNotebook,
  sourceOf,
} from '../../src/kernel/nbformat.ts';
import { type JsonObject, type Message, makeHeader } from '../../src/kernel/protocol.ts';

const CLI = fileURLToPath(new URL('../../bin/interplay.mjs', import.meta.url));

const code = (source: string, tags?: string[]) => ({
  cell_type: 'code',
  metadata: tags === undefined ? {} : { tags },
  source,
  execution_count: null,
  outputs: [],
});
const notebookOf = (...cells: ReturnType<typeof code>[]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 4,
  metadata: {},
  cells,
});
const message = (type: string, content: JsonObject): Message => ({
  identities: [],
  header: makeHeader(type, 's'),
  parent: {},
  metadata: {},
  content,
  buffers: [],
});

describe('notebook files', () => {
  const refused: [string, string][] = [
    ['', 'an empty file'],
    ['{"nbformat": 4, "cel', 'not JSON'],
    ['[]', 'not an object'],
    ['{"nbformat": 3, "worksheets": []}', 'nbformat 3'],
    ['{"nbformat": 4}', 'no list of cells'],
    ['{"nbformat": 4, "cells": [{"cell_type": "code"}]}', 'the source of cell 1 is no text'],
    ['{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "metadata": []}]}', 'metadata of cell 1'],
  ];
  for (const [text, why] of refused) {
    it(`refuses ${JSON.stringify(text)}: ${why}`, () => {
      assert.throws(
        () => parseNotebook(text, 'x.ipynb'),
        (error) =>
          error instanceof InterplayError && error.code === 'NOTEBOOK_INVALID' && error.got.includes(why),
      );
    });
  }

  it('writes what it reads, keys sorted, one blank of indentation', () => {
    const text = formatNotebook(
      parseNotebook('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', 'x'),
    );
    assert.equal(text, '{\n "cells": [],\n "metadata": {},\n "nbformat": 4,\n "nbformat_minor": 5\n}\n');
  });

  it('injects parameters behind the tagged cell, replacing an earlier injection, or first', () => {
    const tagged = notebookOf(code('1'), code('let a = 1;', ['parameters']), code('2'));
    injectParameters(tagged, new Map<string, number | string>([['a', 5]]));
    injectParameters(
      tagged,
      new Map<string, number | string>([
        ['a', 6],
        ['b', 'x"y'],
      ]),
    );
    assert.deepEqual(tagged.cells.map(sourceOf), [
      '1',
      'let a = 1;',
      '// Parameters\nvar a = 6;\nvar b = "x\\"y";',
      '2',
    ]);
    const plain = notebookOf(code('1'));
    injectParameters(plain, new Map([['a', true]]));
    assert.deepEqual(plain.cells.map(sourceOf), ['// Parameters\nvar a = true;', '1']);
  });

  it('takes a notebook in TypeScript, JavaScript or in no language at all', () => {
    const inLanguage = (metadata: JsonObject) => () =>
      checkLanguage({ ...notebookOf(), metadata }, 'x.ipynb');
    for (const metadata of [
      {},
      { kernelspec: { name: 'tslab', language: 'typescript' } },
      { kernelspec: { name: 'jslab', language: 'javascript' } },
      { kernelspec: { name: 'x' }, language_info: { name: 'typescript' } },
    ]) {
      assert.doesNotThrow(inLanguage(metadata));
    }
    for (const metadata of [{ kernelspec: { language: 'python' } }, { language_info: { name: 'R' } }]) {
      assert.throws(inLanguage(metadata), /NOTEBOOK_LANGUAGE|in python|in R/);
    }
  });

  it('reads a byte order mark, and gives cells with the same or a forbidden id one of their own', () => {
    const ids = ['same', 'same', 'bad id!', 'x'.repeat(65), 'kept'];
    const cells = ids.map((id) => ({ ...code('1'), id }));
    const notebook = parseNotebook(`\ufeff${JSON.stringify({ ...notebookOf(), cells })}`, 'x');
    modernize(notebook, {}, {});
    const given = notebook.cells.map(({ id }) => id!);
    assert.deepEqual([given[0], given[4], new Set(given).size], ['same', 'kept', 5]);
    assert.deepEqual(notebook.cells[0]!.source, ['1']);
    for (const id of given) assert.match(id, /^[\w-]{1,64}$/);
  });

  it('collects outputs as Jupyter does: joined streams, updates in place, clearing', () => {
    const first: Output[] = [];
    const second: Output[] = [];
    const collector = new OutputCollector();
    const stream = (text: string, name = 'stdout') => message('stream', { name, text });
    collector.add(first, stream('a'));
    collector.add(first, stream('b\n'));
    collector.add(first, stream('e', 'stderr'));
    collector.add(
      first,
      message('display_data', {
        data: { 'text/plain': 'old' },
        metadata: {},
        transient: { display_id: 'd' },
      }),
    );
    collector.add(
      second,
      message('update_display_data', {
        data: { 'text/plain': 'new\nline' },
        metadata: {},
        transient: { display_id: 'd' },
      }),
    );
    assert.deepEqual(first, [
      { output_type: 'stream', name: 'stdout', text: 'ab\n' },
      { output_type: 'stream', name: 'stderr', text: 'e' },
      { output_type: 'display_data', data: { 'text/plain': ['new\n', 'line'] }, metadata: {} },
    ]);
    assert.deepEqual(second, []);
    collector.add(first, message('clear_output', { wait: true }));
    assert.equal(first.length, 3);
    collector.add(first, stream('after'));
    assert.deepEqual(first, [{ output_type: 'stream', name: 'stdout', text: 'after' }]);
    collector.add(first, message('clear_output', { wait: false }));
    assert.deepEqual(first, []);
  });
});

describe('headless runner', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-run-'));
    mkdirSync(join(folder, 'notebooks'));
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'src', 'lib.ts'), 'export const twice = (x: number): number => 2 * x;\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('runs from top to bottom in the folder of the notebook and keeps every kind of output', async () => {
    const source = notebookOf(
      code('let steps = 1;', ['parameters']),
      code("import { twice } from '../src/lib.ts';\nconsole.log('a');\nconsole.log('b');\ntwice(steps)"),
      code(
        "const place = newDisplay(); place.update('x'); void setTimeout(() => { console.log('late'); place.update({ 'text/html': '<i>done</i>' }) }, 30);",
      ),
      code("display({ 'text/html': '<b>h</b>' }); await new Promise((r) => setTimeout(r, 200))"),
      code(''),
    );
    const { notebook, failures, executed } = await executeNotebook(source, {
      cwd: join(folder, 'notebooks'),
      parameters: new Map([['steps', 21]]),
    });
    assert.deepEqual([failures, executed], [[], 5]);
    assert.deepEqual(
      notebook.cells.map((cell) => cell.execution_count),
      [1, 2, 3, 4, 5, null],
    );
    const outputs = notebook.cells.map((cell) => cell.outputs);
    assert.deepEqual(outputs[2], [
      { output_type: 'stream', name: 'stdout', text: ['a\n', 'b\n'] },
      { output_type: 'execute_result', data: { 'text/plain': ['42'] }, metadata: {}, execution_count: 3 },
    ]);
    assert.deepEqual(outputs[3], [
      { output_type: 'display_data', data: { 'text/html': ['<i>done</i>'] }, metadata: {} },
      { output_type: 'stream', name: 'stdout', text: ['late\n'] },
    ]);
    assert.deepEqual(outputs[4], [
      { output_type: 'display_data', data: { 'text/html': ['<b>h</b>'] }, metadata: {} },
    ]);
    assert.equal((notebook.metadata.kernelspec as JsonObject).name, 'interplay');
    assert.equal(notebook.nbformat_minor, 5);
    assert.equal(new Set(notebook.cells.map((cell) => cell.id)).size, 6);
  });

  it('a cell over its time is stopped, a dying kernel is reported, and both keep what was written', async () => {
    const slow = notebookOf(code('console.log("begun"); while (true);'), code('"never"'));
    const slowRun = executeNotebook(slow, { cwd: folder, timeout: 2, typeCheck: 'off' });
    const dying = notebookOf(
      code(
        'console.log("last words"); await new Promise((r) => setTimeout(r, 200)); process.kill(process.pid, "SIGKILL"); await new Promise(() => {})',
      ),
    );
    const [late, dead] = await Promise.all([slowRun, executeNotebook(dying, { cwd: folder })]);
    assert.deepEqual(
      late.failures.map(({ cell, ename }) => [cell, ename]),
      [[1, 'Timeout']],
    );
    assert.deepEqual(
      late.notebook.cells[0]!.outputs!.map((output) => output.output_type),
      ['stream', 'error'],
    );
    assert.equal(late.notebook.cells[1]!.execution_count, null);
    assert.deepEqual(
      dead.failures.map(({ ename }) => ename),
      ['DeadKernel'],
    );
    assert.deepEqual(
      dead.notebook.cells[0]!.outputs!.map((output) => output.output_type),
      ['stream', 'error'],
    );
  });

  it('stopped from outside: the cell gets its chance, the rest does not run', async () => {
    const stop = new AbortController();
    const source = notebookOf(
      code('console.log("begun"); try { await new Promise(() => {}) } finally { console.log("saved") }'),
      code('"never"'),
    );
    const { notebook, failures } = await executeNotebook(source, {
      cwd: folder,
      signal: stop.signal,
      allowErrors: true,
      onText: () => stop.abort(),
    });
    assert.deepEqual(
      failures.map(({ ename }) => ename),
      ['Interrupted'],
    );
    assert.deepEqual(notebook.cells[0]!.outputs![0]!.text, ['begun\n', 'saved\n']);
    assert.equal(notebook.cells[1]!.execution_count, null);
  });

  it('stopped before its first cell, it runs none', async () => {
    const { executed } = await executeNotebook(notebookOf(code('1')), {
      cwd: folder,
      signal: AbortSignal.abort(),
    });
    assert.equal(executed, 0);
  });

  it('gives what there is of a long cell, and only when there is more', async () => {
    const snapshots: Notebook[] = [];
    const source = notebookOf(
      code('console.log("begun"); await new Promise((r) => setTimeout(r, 300)); console.log("done")'),
    );
    await executeNotebook(source, {
      cwd: folder,
      typeCheck: 'off',
      snapshotInterval: 20,
      onSnapshot: (notebook) => snapshots.push(structuredClone(notebook)),
    });
    const texts = snapshots.map((notebook) =>
      notebook.cells[0]!.outputs!.map(({ text }) => text as string[] | undefined),
    );
    // Of one cell: its number, its first text, its second.
    assert.ok(
      texts.some(([text]) => text?.[0] === 'begun\n' && text.length === 1),
      JSON.stringify(texts),
    );
    assert.ok(texts.length <= 3, `${texts.length} snapshots`);
  });

  it('on the command line: a request to end saves what there is', async () => {
    writeFileSync(
      join(folder, 'long.ipynb'),
      JSON.stringify(
        notebookOf(
          code('console.log("begun"); display({ "text/plain": "shown" }); await new Promise(() => {})'),
          code('2'),
        ),
      ),
    );
    const out = join(folder, 'ended.ipynb');
    const child = spawn(process.execPath, [CLI, 'run', 'long.ipynb', '--out', out, '--type-check', 'off'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // Its first line: the first cell begins.
    await once(child.stderr, 'data');
    setTimeout(() => child.kill('SIGTERM'), 1000);
    const [status] = await once(child, 'exit');
    assert.equal(status, 143);
    const saved = parseNotebook(readFileSync(out, 'utf8'), out);
    assert.deepEqual(saved.cells[0]!.outputs![0]!.text, ['begun\n']);
    assert.deepEqual(saved.cells[1]!.outputs, []);
  });

  it('on the command line: what cannot be right is refused before anything runs or is written', () => {
    const input = join(folder, 'refused.ipynb');
    writeFileSync(input, JSON.stringify(notebookOf(code('const steps = 1;', ['parameters']))));
    const python = join(folder, 'python.ipynb');
    const metadata = { kernelspec: { name: 'python3', language: 'python' } };
    writeFileSync(python, JSON.stringify({ ...notebookOf(code('import os')), metadata }));
    const before = readdirSync(folder);
    for (const [words, code] of [
      [[input, '--out', 'never.ipynb', '-p', 'stpes=3'], 'PARAMETER_UNKNOWN'],
      [[input, '--out', 'never.ipynb', '--seed', '3'], 'PARAMETER_UNKNOWN'],
      [[input, '--out', 'never.ipynb', '-p', 'steps=many'], 'PARAMETER_TYPE'],
      [[input, '--out', folder], 'OUTPUT_UNWRITABLE'],
      [[input, '--out', join(input, 'x.ipynb')], 'OUTPUT_UNWRITABLE'],
      [[python, '--out', 'never.ipynb'], 'NOTEBOOK_LANGUAGE'],
    ] as const) {
      const { status, stderr } = spawnSync(process.execPath, [CLI, 'run', ...words], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.deepEqual([status, stderr.split(':')[1]], [2, ` ${code}`], stderr);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    }
    assert.deepEqual(readdirSync(folder), before);
  });

  it('on the command line: exit 1 and one line for a failed cell, output saved; exit 2 and nothing for bad input', () => {
    const interplay = (...parameters: string[]) =>
      spawnSync(process.execPath, [CLI, 'run', ...parameters], { cwd: folder, encoding: 'utf8' });
    const input = join(folder, 'notebooks', 'in.ipynb');
    writeFileSync(
      input,
      JSON.stringify(notebookOf(code('1'), code('throw new TypeError("on\\npurpose")'), code('3'))),
    );
    const failed = interplay(input, '--out', 'out.ipynb', '--json');
    assert.equal(failed.status, 1);
    assert.match(
      failed.stderr,
      /^interplay: CELL_FAILED: expected every cell to succeed, got cell 2 ended with TypeError: on purpose; do look at out\.ipynb$/m,
    );
    const { executed, failures } = JSON.parse(failed.stdout);
    assert.deepEqual([executed, failures.length], [2, 1]);
    const saved = parseNotebook(readFileSync(join(folder, 'out.ipynb'), 'utf8'), 'out.ipynb');
    assert.equal(saved.cells[1]!.outputs![0]!.ename, 'TypeError');

    const broken = join(folder, 'broken.ipynb');
    writeFileSync(broken, '{"nbformat": 4, "cells": [');
    const before = readdirSync(folder);
    const refused = interplay(broken, '--out', 'never.ipynb');
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /^interplay: NOTEBOOK_INVALID: expected .*broken\.ipynb.*\n$/);
    assert.deepEqual(readdirSync(folder), before);
    assert.ok(!existsSync(join(folder, 'never.ipynb')));
  });
});

/** Type errors, completion and documentation in projects unlike this one; no kernel, the language service alone. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/kernel/protocol.ts';
import { Questions } from '../../src/kernel/questions.ts';

describe('language service of a project with a tsconfig.json of its own', function () {
  this.timeout(60_000);
  let folder: string;
  let questions: Questions;
  const errors = (code: string) => questions.check(code).map(({ code: number }) => number);
  const inspect = (code: string) => questions.inspect(code, [...code].length);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-language-test-'));
    mkdirSync(join(folder, 'notebooks'));
    // As `tsc --init` leaves it: no `lib`, and no types of Node.
    const compilerOptions = { target: 'es2020', module: 'nodenext', strict: true, types: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    questions = new Questions(join(folder, 'notebooks'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('knows Node, which cells run in', () => {
    assert.deepEqual(errors('import.meta.url + import.meta.dirname + process.cwd() + __dirname'), []);
    assert.deepEqual(errors('Buffer.fromm("x")'), [2551]);
    assert.deepEqual(
      errors('import { readFileSync } from "node:fs"; const n: number = readFileSync("x", "utf8");'),
      [2322],
    );
    assert.deepEqual(errors('setTimeout(() => {}, 1).unref()'), []);
  });

  it('knows the DOM, as TypeScript does without `lib`, and what the runtime has beyond the target', () => {
    assert.deepEqual(
      errors('const init: RequestInit = {}; const w: Window | undefined = undefined; [init, w]'),
      [],
    );
    assert.deepEqual(errors('for (const [k, v] of new Headers()) console.log(k, v)'), []);
    assert.deepEqual(errors('[1, 2].findLast((n) => n > 1)'), []);
    assert.deepEqual(errors('new URL("x:y").hre'), [2551]);
  });

  it('says of a constant of an earlier cell what it is, rather than how cells see it', () => {
    questions.addCell(1, 'const limit = 3; let level = 1;');
    const [error] = questions.check('limit = 4');
    assert.equal(
      error!.message,
      "Cannot assign to 'limit': an earlier cell declares it as a constant, a function or a class.",
    );
    assert.deepEqual(errors('level = 4'), []);
    assert.match(
      questions.check('import { sep } from "node:path"; sep = "x"')[0]!.message,
      /because it is an import/,
    );
  });

  it('puts what begins as typed first, and stays inside the code', () => {
    const { matches, cursor_start, cursor_end } = questions.complete('tra', 99);
    assert.equal((matches as string[])[0], 'train');
    assert.ok((matches as string[]).includes('TransformStream'), String(matches));
    assert.deepEqual([cursor_start, cursor_end], [0, 3]);
  });

  it('documents long jobs with the head of their file, and nothing that does not exist', () => {
    const text = String((inspect('grpo').data as JsonObject)['text/plain']);
    assert.match(text, /^function grpo\(.*\n\nTrains a model/s);
    assert.match(text, /\n {4}await grpo\(\{/);
    assert.doesNotMatch(text, /head of this file|\*\//);
    assert.equal(inspect('figures.noSuchFigure').found, false);
    assert.equal(inspect('noSuchName').found, false);
  });
});

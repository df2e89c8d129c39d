/** Evaluation folders whose files were damaged after they were written. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEvaluation } from '../../src/analysis/index.ts';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import { type EvaluateOptions, evaluate, readSamples } from '../../src/evaluate/index.ts';
import { disposeQwen2, type LoadedModel } from '../../src/model/index.ts';
import { samples } from '../../src/notebook/index.ts';
import { bytesOf, microTasks, rowsOf, tinyLoaded } from './tasks.ts';

type Fields = Record<string, unknown>;

const FIRST_ERROR = { step: 0, node: 'n', kind: 'missing' };

/** Values that no reader can use, by field. */
const UNUSABLE: readonly [field: string, value: unknown][] = [
  ['sample_index', -1],
  ['sample_index', 0.5],
  ['op', 'two'],
  ['template', null],
  ['mode', 3],
  ['fingerprint', 7],
  ['response', null],
  ['tokens', 'many'],
  ['verified', 1],
  ['answer_correct', null],
  ['extracted_answer', { a: 1 }],
  ['extracted_answer', undefined],
  ['process_accuracy', 5],
  ['process_accuracy', '0.5'],
  ['process_accuracy', null],
  ['errors', ['foo', 7]],
  ['errors', 'unparsed'],
  ['first_error', 5],
  ['first_error', undefined],
  ['first_error', { ...FIRST_ERROR, kind: 'unknown' }],
  ['first_error', { ...FIRST_ERROR, step: -1 }],
  ['compatible', null],
  ['compatible', {}],
];
const VERDICT = [
  'verified',
  'answer_correct',
  'extracted_answer',
  'process_accuracy',
  'errors',
  'first_error',
];

describe('damaged samples of an evaluation', () => {
  let folder: string;
  let out: string;
  let loaded: LoadedModel;
  const tasks = microTasks(3);
  const options = (more: Partial<EvaluateOptions> = {}): EvaluateOptions => ({
    ...{ out, samples: 2, k: [1, 2], temperature: 1, maxTokens: 5, seed: 5 },
    ...more,
  });
  const again = (more: Partial<EvaluateOptions> = {}) => evaluate(loaded, tasks, options(more));
  const path = () => join(out, 'samples.jsonl');

  /** Writes the rows anew as `change` makes them. */
  const damage = (change: (row: Fields, i: number) => Fields): void => {
    const rows = bytesOf(join(folder, 'whole'))
      .trimEnd()
      .split('\n')
      .map((line, i) => change(JSON.parse(line), i));
    writeFileSync(path(), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  };

  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-damaged-'));
    loaded = tinyLoaded(tasks);
    out = join(folder, 'whole');
    await again();
    out = join(folder, 'out');
  });
  beforeEach(() => cpSync(join(folder, 'whole'), out, { recursive: true }));
  afterEach(() => rmSync(out, { recursive: true }));
  after(() => {
    if (loaded) disposeQwen2(loaded.model);
    rmSync(folder, { recursive: true });
  });

  for (const [field, value] of UNUSABLE) {
    it(`${field} ${JSON.stringify(value)} is refused by every reader, which names the line`, async () => {
      damage((row, i) => (i === 3 ? { ...row, [field]: value } : row));
      const bytes = bytesOf(out);
      const refused = { code: 'EVALUATION_ROW', message: new RegExp(`"${field}".*samples\\.jsonl line 4`) };
      await assert.rejects(again(), refused);
      assert.equal(bytesOf(out), bytes, 'nothing is written');
      assert.throws(() => readEvaluation(out), refused);
      assert.throws(() => samples(out), refused);
      assert.throws(() => [...readSamples(out)], refused);
      if (!VERDICT.includes(field) && field !== 'compatible') {
        await assert.rejects(again({ rescore: true }), refused);
        return;
      }
      await again({ rescore: true });
      assert.deepEqual(rowsOf(out), rowsOf(join(folder, 'whole')), 'judging again mends it');
    });
  }

  it('rows that contradict their task are refused', async () => {
    const other = { op: 7, template: 'another', mode: 'another', fingerprint: 'another' };
    for (const [field, value] of Object.entries(other)) {
      damage((row) => (row.task_id === tasks[1]!.id ? { ...row, [field]: value } : row));
      for (const rescore of [false, true]) {
        const message = new RegExp(`as its task has, in "${field}".*line 3`);
        await assert.rejects(again({ rescore }), { code: 'EVALUATION_ROW', message }, field);
      }
    }
  });

  it('a sample index above the samples, a row without its response and a sample twice are refused', async () => {
    damage((row, i) => (i === 3 ? { ...row, sample_index: 99 } : row));
    const index = { code: 'EVALUATION_ROW', message: /0-1 in "sample_index", got 99 in .*line 4/ };
    await assert.rejects(again(), index);
    damage(({ response, ...row }, i) => (i === 3 ? row : { ...row, response }));
    await assert.rejects(again(), { code: 'EVALUATION_ROW', message: /"response".*line 4/ });
    damage((row, i) => (i === 3 ? { ...row, sample_index: 0 } : row));
    const twice = { code: 'EVALUATION_ROW', message: /sample 0 of .* again in .*line 4/ };
    await assert.rejects(again(), twice);
    await assert.rejects(again({ rescore: true }), twice);
  });

  it('a line that is no row is refused', async () => {
    for (const line of ['null', '7', '[]', '{', '{"task_id": 5}']) {
      writeFileSync(path(), bytesOf(join(folder, 'whole')));
      appendFileSync(path(), `${line}\n`);
      await assert.rejects(again(), { code: 'JSONL_LINE', message: /samples\.jsonl line 7/ }, line);
    }
  });

  it('a row that is gone is sampled again; the metrics of before do not stay beside what is unfinished', async () => {
    const lines = readFileSync(path(), 'utf8').trimEnd().split('\n');
    writeFileSync(path(), `${[...lines.slice(0, 1), ...lines.slice(4)].join('\n')}\n`);
    const stop = new AbortController();
    const cut = await runCancellable(stop.signal, () => again({ slots: 1, progress: () => stop.abort() }));
    assert.equal(cut.finished, false);
    assert.equal(existsSync(join(out, 'metrics.json')), false);
    assert.equal((await again()).finished, true);
    for (const name of ['samples.jsonl', 'metrics.json']) {
      assert.equal(bytesOf(out, name), bytesOf(join(folder, 'whole'), name), name);
    }
  });
});

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pageOf, SAMPLES_A_TURN, spread } from '../../../src/notebook/browser/select.ts';
import { SAMPLE_VERDICTS, type SampleFilters, samples } from '../../../src/notebook/index.ts';
import { createTaskSource, type Task } from '../../../src/tasks/index.ts';
import { ERROR_TYPES, FIRST_ERROR_KINDS } from '../../../src/verify/index.ts';
import { type SavedSample, spoiledSamples, writeEvaluation } from './evaluations.ts';

const SAMPLES = 7;

describe('samples of an evaluation', () => {
  let folder: string;
  let tasks: Task[];
  let rows: SavedSample[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    const contexts = ['zoo', 'festival']; // festivals have letters of two bytes
    tasks = createTaskSource({ ops: '2-6', contexts, modes: ['forward', 'reverse'], seed: 4 }).take(40);
    rows = spoiledSamples(tasks, SAMPLES);
    // Larger than what is read at once, so that lines are cut at any byte.
    for (const row of rows) row.response += ' ü'.repeat(2500);
    writeEvaluation(folder, tasks, rows.toReversed());
  });
  after(() => rmSync(folder, { recursive: true }));

  const key = (row: { task_id: string; sample_index: number }) => `${row.task_id}/${row.sample_index}`;

  it('are the saved rows with their tasks, in task order', () => {
    const set = samples(folder);
    assert.equal(set.length, rows.length);
    let i = 0;
    for (const { task, verdict, ...row } of set) {
      assert.deepEqual(row, rows[i]);
      assert.deepEqual(task, tasks[Math.floor(i / SAMPLES)]);
      assert.ok(SAMPLE_VERDICTS.includes(verdict), verdict);
      i++;
    }
    assert.equal(i, rows.length);
    assert.equal(set.at(-1)!.response, rows.at(-1)!.response);
    assert.equal(set.at(rows.length), undefined);
    assert.deepEqual(set.take(2).map(key), rows.slice(0, 2).map(key));
  });

  it('have one verdict each, by answer, process and ending', () => {
    for (const { verdict, verified, answer_correct: right, errors } of samples(folder)) {
      const expected = verified
        ? 'verified'
        : right
          ? 'answer_only'
          : errors.includes('truncated')
            ? 'truncated'
            : errors.includes('unparsed')
              ? 'unparsed'
              : 'wrong';
      assert.equal(verdict, expected);
    }
    const seen = new Set(Array.from(samples(folder), ({ verdict }) => verdict));
    assert.deepEqual([...seen].sort(), [...SAMPLE_VERDICTS].sort());
  });

  it('filtered by the index = filtered by looking at every row', () => {
    const one = <T>(values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 });
    const filters = fc.record(
      {
        op: one([2, 3, 4, 5, 6, 7]),
        context: one(['zoo', 'festival', 'crazy_zootopia']),
        mode: one(['forward', 'forwardreverse']),
        verdict: one(SAMPLE_VERDICTS),
        error: one(ERROR_TYPES),
        firstError: one([...FIRST_ERROR_KINDS, 'none' as const]),
        task: one(['none of them', ...tasks.slice(0, 9).map(({ id }) => id)]),
        sample: one([0, 1, 2, 5, 99]),
      },
      { requiredKeys: [] },
    );
    const template: Record<string, string> = { zoo: 'crazy_zootopia', festival: 'movie_festival_awards' };
    const mode: Record<string, string> = { forward: 'normalforward' };
    const among = <T>(list: T[] | undefined, value: T) => list === undefined || list.includes(value);
    const all = [...samples(folder)];
    fc.assert(
      fc.property(filters, (given) => {
        const expected = all.filter(
          (row) =>
            among(given.op, row.op) &&
            among(
              given.context?.map((name) => template[name] ?? name),
              row.template,
            ) &&
            among(
              given.mode?.map((name) => mode[name] ?? name),
              row.mode,
            ) &&
            among(given.verdict, row.verdict) &&
            (given.error === undefined || given.error.some((type) => row.errors.includes(type))) &&
            among(given.firstError, row.first_error?.kind ?? 'none') &&
            among(given.task, row.task_id) &&
            among(given.sample, row.sample_index),
        );
        const found = samples(folder).filter(given as SampleFilters);
        assert.deepEqual(Array.from(found, key), expected.map(key));
      }),
      { numRuns: 60 },
    );
  });

  it('filtered one after another and by a function', () => {
    const set = samples(folder).filter({ op: '3-4' }).filter({ mode: 'reverse' });
    const long = set.filter((row) => row.tokens! > 300);
    const expected = rows.filter(
      (row) => (row.op === 3 || row.op === 4) && row.mode === 'forwardreverse' && row.tokens > 300,
    );
    assert.deepEqual(Array.from(long, key), expected.map(key));
    assert.ok(expected.length > 0 && expected.length < set.length, 'the function decides something');
  });

  it('refuse filters that mean nothing, all at once', () => {
    const wrong = { op: -1, verdict: 'good', colour: 'red' } as never;
    assert.throws(() => samples(folder).filter(wrong), {
      code: 'BROWSE_FILTER',
      message: /op.*verdict.*colour/,
    });
    assert.throws(() => samples(folder).filter({ context: 'school' }), {
      code: 'BROWSE_FILTER',
      message: /\((zoo, festival|festival, zoo)\), got school/,
    });
    assert.throws(() => samples(folder).filter({ mode: 'sideways' }), { code: 'MODE_UNKNOWN' });
  });

  describe('on a page', () => {
    it('are spread over ops and verdicts, and are few of a problem', () => {
      const { evaluation, positions } = samples(folder);
      const chosen = spread(evaluation, positions, 30);
      assert.deepEqual(chosen, spread(evaluation, positions, 30));
      assert.equal(new Set(chosen).size, 30);
      const found = [...evaluation.read(chosen)];
      const countBy = (name: (row: (typeof found)[number]) => string | number) => {
        const counts = new Map<string | number, number>();
        for (const row of found) counts.set(name(row), (counts.get(name(row)) ?? 0) + 1);
        return counts;
      };
      const ops = countBy(({ op }) => op);
      assert.deepEqual([...ops.keys()], [2, 3, 4, 5, 6]);
      for (const count of ops.values()) assert.equal(count, 30 / 5);
      assert.equal(countBy(({ verdict }) => verdict).size, SAMPLE_VERDICTS.length);
      for (const count of countBy(({ task_id: id }) => id).values())
        assert.ok(count <= SAMPLES_A_TURN, `${count} of one problem`);
      assert.equal(countBy(({ template, mode }) => template + mode).size, 4);
    });

    it('are all when they are few, and every one once on consecutive pages', () => {
      const { evaluation, positions } = samples(folder);
      assert.deepEqual(spread(evaluation, positions, 10_000).toSorted(), positions);
      const pages = Array.from({ length: 5 }, (_, i) => [...pageOf(positions, 60, i + 1)]);
      assert.deepEqual(pages.flat(), [...positions]);
    });
  });
});

describe('an evaluation folder', () => {
  let folder: string;
  let tasks: Task[];
  const path = () => join(folder, 'samples.jsonl');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    tasks = createTaskSource({ world: 'micro', contexts: ['zoo'], ops: '2-3', seed: 1 }).take(3);
    writeEvaluation(folder, tasks, spoiledSamples(tasks, 2));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('that is being written shows its complete lines, and the rest when opened again', () => {
    const text = readFileSync(path(), 'utf8');
    writeFileSync(path(), text.slice(0, -20));
    assert.equal(samples(folder).length, 5);
    writeFileSync(path(), text.trimEnd());
    assert.equal(samples(folder).length, 6, 'a missing last newline loses nothing');
  });

  it('that was rewritten meanwhile is not read from wrong places', () => {
    const set = samples(folder);
    const lines = readFileSync(path(), 'utf8').trimEnd().split('\n');
    writeFileSync(path(), `${lines.reverse().join('\n')}\n`);
    assert.throws(() => [...set], { code: 'EVALUATION_CHANGED' });
    assert.equal([...samples(folder)].length, 6);
  });

  it('that is damaged says where', () => {
    appendFileSync(path(), '{"task_id": \n{}\n');
    assert.throws(() => samples(folder), { code: 'JSONL_LINE', message: /samples\.jsonl line 7/ });
    writeEvaluation(folder, tasks, [{ ...spoiledSamples(tasks, 1)[0]!, task_id: 'another' }]);
    assert.throws(() => samples(folder), { code: 'EVALUATION_TASKS', message: /no task another.*line 1/ });
    const { verified: _, ...rest } = spoiledSamples(tasks, 1)[0]!;
    writeEvaluation(folder, tasks, [rest as SavedSample]);
    assert.throws(() => samples(folder), { code: 'EVALUATION_ROW', message: /"verified".*line 1/ });
    rmSync(join(folder, 'tasks.jsonl'));
    assert.throws(() => samples(folder), { code: 'INPUT_UNREADABLE', message: /tasks\.jsonl/ });
    assert.throws(() => samples(join(folder, 'nowhere')), { code: 'INPUT_UNREADABLE' });
  });
});

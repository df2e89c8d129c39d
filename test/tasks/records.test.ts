import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InterplayError } from '../../src/core/errors.ts';
import { sha256 } from '../../src/core/hash.ts';
import {
  createTaskSource,
  readTasks,
  summariseTasks,
  type TaskRecord,
  type TaskSourceOptions,
  writeTasks,
} from '../../src/tasks/index.ts';

const SOURCE: TaskSourceOptions = { world: 'micro', ops: '2-6', seed: 3 };

describe('task files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-tasks-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const ending of ['jsonl', 'parquet']) {
    it(`come back from ${ending} as they were, whatever the number of workers`, async () => {
      const hashes: string[] = [];
      for (const workers of [1, 2]) {
        const out = join(folder, `tasks-${workers}.${ending}`);
        const summary = await writeTasks({ source: SOURCE, count: 1203, from: 7, out, workers });
        hashes.push(sha256(readFileSync(out)));
        assert.equal(summary.bytes, readFileSync(out).length);
        assert.equal(
          Object.values(summary.ops).reduce((a, b) => a + b),
          1203,
        );
        assert.deepEqual([...readTasks(out)], createTaskSource(SOURCE).take(1203, 7));
      }
      assert.equal(hashes[0], hashes[1]);
    });
  }

  it('write nothing when the settings are impossible', async () => {
    const out = join(folder, 'tasks.jsonl');
    await assert.rejects(writeTasks({ source: { ops: '99' }, count: 1, out }), { code: 'OPS_RANGE' });
    assert.throws(() => [...readTasks(out)], { code: 'INPUT_UNREADABLE' });
  });

  it('with only the reference’s nine keys are read', () => {
    const { graph, split, seed, index, version, fingerprint, ...nine } = createTaskSource(SOURCE).at(0);
    const path = join(folder, 'nine.jsonl');
    writeFileSync(path, `${JSON.stringify(nine)}\n`);
    const [read] = [...readTasks(path)];
    assert.deepEqual(read, nine);
    assert.equal(read!.graph, undefined);
    assert.ok(graph && split && seed && version && fingerprint && index === 0);
  });

  const good = createTaskSource(SOURCE).at(0) as TaskRecord;
  const node = good.graph!.nodes[0]!;
  const broken: [string, unknown, RegExp][] = [
    ['a value that is no record', 7, /a task record.*got 7 in .*line 2/],
    ['a field missing', { ...good, question: undefined }, /field question .*got nothing in .*line 2/],
    ['a field of another type', { ...good, op: '4' }, /field op .*got "4"/],
    ['a solution without an answer', { ...good, solution: 'so a = 3.' }, /field solution .*Answer/],
    ['an unknown mode', { ...good, mode: 'forward' }, /field mode /],
    ['a bad index', { ...good, index: -1 }, /field index .*got -1/],
    ['a graph without nodes', { ...good, graph: {} }, /field graph .*nodes/],
    [
      'a node before its parent',
      { ...good, graph: { ...good.graph, nodes: [{ ...node, dependencies: ['later'] }] } },
      /nodes after all their dependencies.*"later"/,
    ],
    [
      'a query that is no node',
      { ...good, graph: { ...good.graph, query: 'moon' } },
      /a query among its nodes/,
    ],
  ];
  for (const [what, value, message] of broken) {
    it(`are refused with file, line and field for ${what}`, () => {
      const path = join(folder, 'bad.jsonl');
      writeFileSync(path, `${JSON.stringify(good)}\n${JSON.stringify(value)}\n`);
      assert.throws(
        () => [...readTasks(path)],
        (error) =>
          error instanceof InterplayError && error.code === 'TASK_RECORD' && message.test(error.message),
      );
    });
  }

  it('are refused when cut in the middle', async () => {
    const lines = join(folder, 'cut.jsonl');
    writeFileSync(lines, `${JSON.stringify(good)}\n${JSON.stringify(good).slice(0, 200)}`);
    assert.throws(() => [...readTasks(lines)], { code: 'JSONL_LINE' });
    const table = join(folder, 'cut.parquet');
    await writeTasks({ source: SOURCE, count: 50, out: table });
    const size = readFileSync(table).length;
    for (const kept of [0, 3, 11, Math.floor(size / 2), size - 1]) {
      truncateSync(table, kept);
      assert.throws(() => [...readTasks(table)], { code: 'PARQUET_INVALID' });
      await writeTasks({ source: SOURCE, count: 50, out: table });
    }
  });
});

describe('summary of a task file', () => {
  it('counts what is there', () => {
    const task = (op: number, problem: string): TaskRecord => ({
      problem,
      question: 'Q?',
      solution: `${'Define x as y; so y = 1. '.repeat(op)}Answer: 1.`,
      op,
      id: `${op}`,
      template: op < 3 ? 'a' : 'b',
      mode: 'normalforward',
      length: 'zero_context',
      d: 2,
    });
    const summary = summariseTasks(
      [task(2, 'One. '), task(2, 'One. Two. '), task(10, 'One. '), task(3, 'One. ')],
      { examples: 2, countTokens: ({ op }) => 10 * op },
    );
    assert.equal(summary.count, 4);
    assert.deepEqual(Object.entries(summary.ops), [
      ['2', 2],
      ['3', 1],
      ['10', 1],
    ]);
    assert.deepEqual(summary.contexts, { a: 2, b: 2 });
    assert.deepEqual(summary.depths, { 2: 4 });
    assert.deepEqual(summary.splits, { unknown: 4 });
    assert.equal(summary.tokens, 170);
    assert.deepEqual(summary.lengths.tokens, { min: 20, q1: 20, median: 20, mean: 42.5, q3: 30, max: 100 });
    assert.deepEqual(summary.lengths.sentences, { min: 1, q1: 1, median: 1, mean: 1.25, q3: 1, max: 2 });
    assert.deepEqual(summary.lengths.steps, { min: 2, q1: 2, median: 2, mean: 4.25, q3: 3, max: 10 });
    assert.deepEqual(
      summary.examples.map(({ id }) => id),
      ['2', '10'],
    );
  });

  it('of nothing is undefined, not zero', () => {
    const { count, lengths, tokens } = summariseTasks([]);
    assert.equal(count, 0);
    assert.equal(tokens, undefined);
    assert.ok(Number.isNaN(lengths.steps.mean) && Number.isNaN(lengths.steps.min));
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../src/core/hash.ts';
import {
  createTaskSource,
  MOST_DUPLICATES,
  readTasks,
  type Task,
  type TaskSourceOptions,
  UNIQUE_BY,
  type UniqueBy,
  uniqueTasks,
  writeTasks,
} from '../../src/tasks/index.ts';
import { identityText } from '../../src/tasks/unique.ts';

/** Few graphs, so that there are duplicates of every kind. */
const SOURCE: TaskSourceOptions = {
  ops: '2-4',
  modes: ['forward', 'reverse'],
  contexts: ['school'],
  world: {
    name: 'crowded',
    places: 2,
    categories: 2,
    cells: 3,
    ops: [2, 4],
    terms: 2,
    leaves: [1, 2],
    addends: [1, 2],
    factors: [2, 2],
    maxValue: 50,
    distractors: [0, 0],
  },
};

/** The sense of each kind, said again with plain words: equal keys are duplicates. */
const KEY: Record<UniqueBy, (task: Task) => string> = {
  text: ({ problem, question, solution }) => JSON.stringify([problem, question, solution]),
  problem: ({ problem, question }) =>
    JSON.stringify([
      problem
        .trim()
        .split('. ')
        .map((s) => s.replace('.', ''))
        .sort(),
      question,
    ]),
  core: ({ question, graph }) =>
    JSON.stringify([
      question,
      [...graph.nodes]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, value, operation, constant, dependencies }) => [
          name,
          value,
          operation,
          constant,
          operation.includes('difference') ? dependencies : [...dependencies].sort(),
        ]),
    ]),
  graph: ({ fingerprint, mode, d }) => JSON.stringify([fingerprint, mode, d]),
};

describe('unique tasks', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-unique-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const drawn = createTaskSource(SOURCE).take(3000);

  for (const by of UNIQUE_BY) {
    const seen = new Set<string>();
    const expected = drawn.filter((task) => seen.size < seen.add(KEY[by](task)).size);

    it(`by ${by} are those that a plain set keeps, from a source and in files of any number of workers`, async () => {
      const iterated: Task[] = [];
      for (const task of uniqueTasks(createTaskSource(SOURCE), by)) {
        iterated.push(task);
        if (iterated.length === expected.length) break;
      }
      assert.deepEqual(iterated, expected);
      const hashes = new Set<string>();
      for (const workers of [1, 2]) {
        const out = join(folder, `${by}-${workers}.jsonl`);
        const { count, dropped } = await writeTasks({
          source: SOURCE,
          count: expected.length,
          unique: by,
          out,
          workers,
        });
        assert.equal(count, expected.length);
        assert.equal(dropped, expected.at(-1)!.index + 1 - expected.length);
        assert.deepEqual([...readTasks(out)], expected);
        hashes.add(sha256(readFileSync(out)));
      }
      assert.equal(hashes.size, 1);
    });

    it(`by ${by} leave gaps in the index, so that each can be made again`, () => {
      const kept = uniqueTasks(createTaskSource(SOURCE), by, 500);
      const source = createTaskSource(SOURCE);
      for (let i = 0; i < 20; i++) {
        const { value } = kept.next() as { value: Task };
        assert.ok(value.index >= 500 + i);
        assert.deepEqual(source.at(value.index), value);
      }
    });
  }

  it('become fewer from sense to sense', () => {
    const counts = UNIQUE_BY.map((by) => new Set(drawn.map((task) => identityText(task, by))).size);
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => b - a),
    );
    assert.ok(counts[0]! > counts.at(-1)!);
  });

  it('see through white space, letters and the order of sentences', () => {
    const task = createTaskSource({ ops: '6' }).at(0);
    const reordered = `${task.problem
      .trim()
      .split(/(?<=\.) /)
      .reverse()
      .join(' ')} `;
    const spaced = task.problem.replaceAll(' ', '  ');
    const same = (by: UniqueBy, change: Partial<Task>) =>
      identityText(task, by) === identityText({ ...task, ...change }, by);
    assert.ok(same('text', { problem: spaced }));
    assert.ok(!same('text', { problem: reordered }));
    assert.ok(same('problem', { problem: reordered, solution: 'another' }));
    assert.ok(!same('problem', { problem: `${task.problem}The number of moons in Ruby Bay equals 1. ` }));
    assert.ok(same('core', { problem: 'other distractors', solution: 'another' }));
    assert.ok(!same('core', { question: 'What else?' }));
    assert.ok(same('graph', { question: 'What else?', template: 'another' }));
    assert.ok(!same('graph', { mode: 'forwardreverse' }) && !same('graph', { d: 3 }));
  });

  it('see the order of a difference, and none of a sum or of products', () => {
    const task = createTaskSource({ ops: '6' }).at(0);
    const of = (operation: Task['graph']['nodes'][0]['operation'], ...dependencies: string[]) =>
      identityText(
        {
          ...task,
          graph: {
            nodes: [{ name: 'n', value: 1, kind: 'instance', operation, dependencies }],
            query: 'n',
            answer: 1,
          },
        },
        'core',
      );
    assert.equal(of('sum', 'a', 'b'), of('sum', 'b', 'a'));
    assert.notEqual(of('plus_difference', 'a', 'b'), of('plus_difference', 'b', 'a'));
    assert.equal(of('sum_of_products', 'a', 'p', 'b', 'q'), of('sum_of_products', 'q', 'b', 'a', 'p'));
    assert.notEqual(of('sum_of_products', 'a', 'p', 'b', 'q'), of('sum_of_products', 'a', 'q', 'b', 'p'));
  });

  it('that do not exist are refused with how many there are, and nothing is written', async () => {
    const source: TaskSourceOptions = { ...SOURCE, ops: '2', modes: ['forward'] };
    const graphs = new Set(createTaskSource(source).take(3000).map(KEY.graph)).size;
    const out = join(folder, 'tasks.jsonl');
    await assert.rejects(writeTasks({ source, count: graphs + 1, unique: 'graph', out }), {
      code: 'UNIQUE_EXHAUSTED',
      got: `${graphs} different ones and then ${MOST_DUPLICATES} duplicates in a row`,
    });
    assert.deepEqual(readdirSync(folder), []);
    const { count } = await writeTasks({ source, count: graphs, unique: 'graph', out });
    assert.equal(count, graphs);
  });

  it('need a kind that is one', async () => {
    const out = join(folder, 'tasks.jsonl');
    await assert.rejects(writeTasks({ source: {}, count: 1, unique: 'letter' as UniqueBy, out }), {
      code: 'UNIQUE_KIND',
    });
    assert.throws(() => uniqueTasks(createTaskSource(), 'letter' as UniqueBy).next(), {
      code: 'UNIQUE_KIND',
    });
  });
});

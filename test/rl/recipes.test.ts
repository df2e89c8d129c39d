import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { type GrpoInput, openRecipe, parseGrpoConfig, type Recipe } from '../../src/rl/index.ts';
import { heldOutPrompts } from '../../src/rl/validation.ts';
import { createTaskSource, promptText, type Task, trainingText } from '../../src/tasks/index.ts';
import { type Tokenizer, trainTokenizer } from '../../src/tokenizer/index.ts';
import { verify } from '../../src/verify/index.ts';

describe('recipes', () => {
  let folder: string;
  let tokenizer: Tokenizer;
  const tasks = createTaskSource({ world: 'micro', contexts: ['zoo'], ops: '2-4', seed: 5 }).take(40);
  const open = (input: Omit<GrpoInput, 'init'>, longest = 1000): Recipe =>
    openRecipe(parseGrpoConfig({ init: 'base', ...input }), tokenizer, longest);
  const step = (recipe: Recipe, number: number, count: number, { stage = 0, round = 0 } = {}): Task[] =>
    Array.from(
      { length: count },
      (_, index) => recipe.at({ stage, step: number, round, index }).task as Task,
    );

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    tokenizer = trainTokenizer(tasks.map(trainingText), { vocabularySize: 400 });
  });
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, rows: readonly object[]): string => {
    const path = join(folder, name);
    writeJsonLines(path, rows);
    return path;
  };

  for (const [range, low, high] of [
    ['7-10', 7, 10],
    ['9-12', 9, 12],
    ['11-14', 11, 14],
    ['17-20', 17, 20],
  ] as const) {
    it(`the paper's op ${range}: contexts alike, both modes, as preset and as ops`, () => {
      const preset = open({ data: { mixture: `paper-rl-op${range}` }, prompts_per_step: 64 });
      const own = open({ data: { ops: range, modes: ['forward', 'reverse'] }, prompts_per_step: 64 });
      for (const recipe of [preset, own]) {
        const drawn = step(recipe, 3, 64);
        const ops = new Set(drawn.map(({ op }) => op));
        assert.deepEqual([Math.min(...ops), Math.max(...ops), ops.size], [low, high, 4]);
        assert.equal(new Set(drawn.map(({ template }) => template)).size, 3);
        assert.equal(new Set(drawn.map(({ mode }) => mode)).size, 2);
      }
    });
  }

  it('a range of a curriculum whose prompts are too long is refused at the start, not when it comes', () => {
    const data = { world: 'micro', contexts: ['zoo'] };
    const longest = (ops: string) => {
      const records = createTaskSource({ world: 'micro', contexts: ['zoo'], ops, seed: 5 }).take(40);
      return Math.max(...records.map((task) => tokenizer.encode(promptText(task)).length));
    };
    const ranges = { data, curriculum: { ops: ['2', '8'] } };
    assert.ok(open(ranges, longest('8')));
    const short = Math.round(0.6 * longest('2'));
    assert.ok(open({ data: { ...data, ops: '2' } }, short));
    assert.throws(() => open(ranges, short), { code: 'RL_PROMPTS' });
  });

  it('a context mixture has its shares', () => {
    const recipe = open({ data: { mixture: 'paper-a6.2-rl-10b' }, prompts_per_step: 300 });
    const school = step(recipe, 0, 300).filter(({ template }) => template === 'teachers_in_school').length;
    assert.ok(school > 12 && school < 55, `${school} of 300 at 10 %`); // 4 standard deviations
  });

  const micro = { world: 'micro', contexts: ['zoo'], ops: '2-4' };

  it('steps, rounds and places have tasks of their own; runs that differ elsewhere have the same', () => {
    const objective = { dynamic_sampling: { max_batches: 3 } };
    const plain = open({ data: micro, prompts_per_step: 8 });
    const dynamic = open({ data: micro, prompts_per_step: 8, objective, reward: 'outcome' });
    const own = [0, 1, 2].flatMap((number) => step(dynamic, number, 8));
    assert.deepEqual(
      own,
      [0, 1, 2].flatMap((number) => step(plain, number, 8)),
    );
    const further = [0, 1, 2].flatMap((number) =>
      [1, 2].flatMap((round) => step(dynamic, number, 8, { round })),
    );
    const ids = [...own, ...further].map(({ id }) => id);
    assert.equal(new Set(ids).size, 9 * 8);
    assert.notDeepEqual(step(open({ data: micro, prompts_per_step: 8, seed: 1 }), 0, 8), own.slice(0, 8));
  });

  it('a curriculum has a stream for each range', () => {
    const curriculum = { ops: ['2', '3-4'] };
    const recipe = open({ data: { world: 'micro', contexts: ['zoo'] }, curriculum, prompts_per_step: 16 });
    assert.deepEqual(new Set(step(recipe, 0, 16).map(({ op }) => op)), new Set([2]));
    assert.deepEqual(new Set(step(recipe, 0, 16, { stage: 1 }).map(({ op }) => op)), new Set([3, 4]));
  });

  it('prompts that are too long are replaced by others of the stream', () => {
    const all = open({ data: micro, prompts_per_step: 32 });
    const lengths = step(all, 0, 32).map(
      (_, index) => all.at({ stage: 0, step: 0, round: 0, index }).ids.length,
    );
    const longest = lengths.toSorted((a, b) => a - b)[16]!;
    const short = open({ data: micro, prompts_per_step: 32 }, longest);
    for (let index = 0; index < 32; index++) {
      const place = { stage: 0, step: 0, round: 0, index };
      assert.ok(short.at(place).ids.length <= longest, `${index}`);
      if (lengths[index]! <= longest) assert.equal(short.at(place).id, all.at(place).id);
    }
    assert.throws(() => step(open({ data: micro }, 5), 0, 1), { code: 'RL_PROMPTS' });
  });

  it('a task file is gone through epoch by epoch, each in another order', () => {
    const path = file('tasks.jsonl', tasks);
    const recipe = open({ data: { files: [path] }, prompts_per_step: 20 });
    assert.equal(recipe.size, 40);
    const epochs = [0, 1].map((epoch) => [0, 1].flatMap((half) => step(recipe, 2 * epoch + half, 20)));
    const ids = tasks.map(({ id }) => id).sort();
    for (const epoch of epochs) assert.deepEqual(epoch.map(({ id }) => id).sort(), ids);
    assert.notDeepEqual(epochs[0], epochs[1]);
    const lengths = tasks.map((task) => tokenizer.encode(promptText(task)).length);
    const median = lengths.toSorted((a, b) => a - b)[20]!;
    assert.equal(
      open({ data: { files: [path] } }, median).leftOut,
      lengths.filter((length) => length > median).length,
    );
    assert.throws(() => open({ data: { files: [path] } }, 3), { code: 'RL_PROMPTS' });
    assert.throws(() => open({ data: { files: [file('empty.jsonl', [])] } }), { code: 'NO_TASKS' });
  });

  describe('the edge of competence', () => {
    const evaluation = () => join(folder, 'evaluation');
    /** Task i is solved in i of 4 samples. */
    before(() => {
      mkdirSync(evaluation());
      const five = tasks.slice(0, 5);
      const rows = five.flatMap((task, right) =>
        [0, 1, 2, 3].map((sample_index) => ({
          task_id: task.id,
          sample_index,
          op: task.op,
          template: task.template,
          mode: task.mode,
          ...verify(
            task,
            sample_index < right ? task.solution.replace('Answer:', '</solution> <answer>') : '',
          ),
        })),
      );
      writeJsonLines(join(evaluation(), 'samples.jsonl'), rows);
      writeJsonLines(join(evaluation(), 'tasks.jsonl'), five);
      writeFileSync(join(evaluation(), 'config.json'), '{}');
    });

    it('are the tasks that an evaluation solved sometimes', () => {
      const edge = { evaluation: evaluation(), k: 4, at_most: 0.5, at_least: 1 };
      const recipe = open({ edge, prompts_per_step: 2 });
      assert.deepEqual(
        new Set(step(recipe, 0, 2).map(({ id }) => id)),
        new Set([tasks[1]!.id, tasks[2]!.id]),
      );
    });

    it('refuses a condition that no task meets, or samples that are too few', () => {
      const never = { evaluation: evaluation(), k: 2, at_most: 0, at_least: 1 };
      assert.throws(() => open({ edge: never }), { code: 'NO_TASKS' });
      const more = { evaluation: evaluation(), k: 8, at_most: 1, at_least: 0 };
      assert.throws(() => open({ edge: more }), { code: 'EDGE_SAMPLES' });
      const others = { ...never, at_most: 1, at_least: 0, files: [file('others.jsonl', tasks.slice(9))] };
      assert.throws(() => open({ edge: others }), { code: 'EDGE_TASKS' });
    });
  });

  describe('validation', () => {
    const heldOut = (input: Omit<GrpoInput, 'init'>, longest = 1000) => {
      const config = parseGrpoConfig({ init: 'base', ...input });
      return heldOutPrompts(config, openRecipe(config, tokenizer, longest), tokenizer, longest);
    };

    it('shares no graph with what is trained on', () => {
      const prompts = heldOut({ data: micro, prompts_per_step: 8, validation: { tasks: 60 } });
      assert.equal(prompts.length, 60);
      const seen = new Set(prompts.map(({ task }) => task.fingerprint));
      const recipe = open({ data: micro, prompts_per_step: 200 });
      const trained = [0, 1, 2].flatMap((number) => step(recipe, number, 200));
      assert.ok(
        trained.every(({ fingerprint }) => !seen.has(fingerprint)),
        'disjoint by fingerprint',
      );
    });

    it('of a task file leaves out what is trained on', () => {
      const overlapping = createTaskSource({
        world: 'micro',
        contexts: ['zoo'],
        ops: '2',
        split: 'val',
      }).take(6);
      const data = { files: [file('mixed.jsonl', [...tasks, ...overlapping])] };
      const prompts = heldOut({ data, validation: { tasks: 3, data: { ...micro, ops: '2-3' } } });
      const graphs = new Set(overlapping.map(({ fingerprint }) => fingerprint));
      assert.ok(
        prompts.every(({ task }) => !graphs.has(task.fingerprint!)),
        'none of the trained graphs',
      );
      assert.deepEqual(heldOut({ data }), [], 'a set of tasks has no part that is held out');
    });

    it('refuses files that are trained on', () => {
      const files = [file('trained.jsonl', tasks.slice(3, 6))];
      const everything = { files: [file('all.jsonl', tasks)] };
      assert.throws(() => heldOut({ data: everything, validation: { files } }), {
        code: 'VALIDATION_OVERLAP',
      });
      assert.throws(() => heldOut({ data: micro, validation: { files } }), { code: 'VALIDATION_OVERLAP' });
      const none = [file('none.jsonl', [])];
      assert.throws(() => heldOut({ data: micro, validation: { files: none } }), { code: 'NO_TASKS' });
    });

    it('may have other kinds of tasks, and takes its number and length from the settings', () => {
      const prompts = heldOut({
        data: micro,
        validation: { tasks: 7, data: { ...micro, ops: '5' }, split: 'test' },
      });
      assert.deepEqual(
        prompts.map(({ task }) => [task.op, task.split]),
        Array(7).fill([5, 'test']),
      );
      assert.throws(() => heldOut({ data: micro }, 4), { code: 'RL_PROMPTS' });
      assert.deepEqual(heldOut({ data: micro, validation: { tasks: 0 } }), []);
    });
  });
});

/** What must not change a verdict, and what must. */
import assert from 'node:assert/strict';
import { randomFamily } from '../../src/core/index.ts';
import { goldGraph, verify } from '../../src/verify/index.ts';
import { allTasks, type SampleTask } from './samples.ts';
import {
  changedNumbers,
  changedParents,
  renameLetters,
  reorderSteps,
  stretchBlanks,
  withoutSteps,
} from './transform.ts';

const streams = randomFamily('verify properties', 1);

/** A zero factor hides a change of the other one; such solutions say nothing here. */
const hasZero = ({ solution }: SampleTask): boolean => / 0(?! ?\.\s+Isolate)\b/.test(solution);

/** Of changed solutions some, drawn at random: all of them would be a hundred thousand. */
const some = (changed: readonly string[], i: number): readonly string[] =>
  changed.length <= 8
    ? changed
    : streams
        .at(i, 2)
        .shuffle([...changed])
        .slice(0, 8);

describe('verify: properties', () => {
  let everything: SampleTask[] = [];
  let tasks: { solution: string; mode: string }[] = [];
  before(() => {
    everything = allTasks();
    tasks = everything.map(({ solution, mode }) => ({ solution, mode }));
  });

  it('gold is verified', () => {
    for (const task of everything) {
      const verdict = verify(task as never, task.solution);
      assert.ok(verdict.verified, task.solution);
      assert.deepEqual(
        [verdict.process_accuracy, verdict.errors, verdict.first_error],
        [1, [], null],
        task.solution,
      );
      assert.deepEqual(verdict.rewards, {
        outcome: 1,
        process: 1,
        composite: { '0.2': 1, '0.5': 1 },
        strict: 1,
      });
    }
  });

  it("a parsed gold solution is the record's own graph", () => {
    const own = everything.filter((task) => task.graph !== undefined);
    assert.equal(own.length, 2 + 39 * 2 * 2 * 4);
    for (const { solution, graph } of own) {
      const plain = ({ nodes, query, answer }: NonNullable<SampleTask['graph']>) => ({
        nodes: nodes.map(({ name, value, dependencies }) => ({
          name,
          value,
          dependencies: [...new Set(dependencies)].sort(),
        })),
        query,
        answer,
      });
      assert.deepEqual(plain(goldGraph({ solution })), plain(graph!));
    }
  });

  it('other letters, another order of independent steps and extra blanks keep it', () => {
    tasks.forEach((task, i) => {
      const stream = streams.at(i);
      for (const change of [renameLetters, reorderSteps, stretchBlanks]) {
        const changed = change(task.solution, stream);
        assert.ok(verify(task, changed).verified, changed);
      }
    });
  });

  it('they keep the verdict on wrong solutions, too', () => {
    tasks.forEach((task, i) => {
      const stream = streams.at(i, 3);
      const wrong = stream.pick(changedNumbers(task.solution));
      const judge = (response: string) => ({ ...verify(task, response), compatible: null });
      for (const change of [renameLetters, reorderSteps, stretchBlanks]) {
        const changed = change(wrong, stream);
        assert.deepEqual(judge(changed), judge(wrong), changed);
      }
    });
  });

  it('changing any number in the steps loses it', () => {
    let changes = 0;
    tasks.forEach((task, i) => {
      if (hasZero(task)) return;
      for (const changed of some(changedNumbers(task.solution), i)) {
        changes++;
        const verdict = verify(task, changed);
        assert.ok(!verdict.verified, changed);
        assert.equal(verdict.rewards.strict, 0);
      }
    });
    assert.ok(changes > 4000, `${changes} changes`);
  });

  it('changing any dependency loses it', () => {
    let changes = 0;
    tasks.forEach((task, i) => {
      for (const changed of some(changedParents(task.solution, streams.at(i, 1)), i)) {
        changes++;
        const verdict = verify(task, changed);
        assert.ok(!verdict.verified && verdict.errors.includes('dependency_mismatch'), changed);
      }
    });
    assert.ok(changes > 4000, `${changes} changes`);
  });

  it('leaving out any step loses it', () => {
    tasks.forEach((task, i) => {
      for (const changed of some(withoutSteps(task.solution), i)) {
        const verdict = verify(task, changed);
        assert.ok(!verdict.verified && verdict.errors.includes('missing_nodes'), changed);
      }
    });
  });

  it('the answer alone earns the outcome and nothing else', () => {
    for (const task of tasks) {
      const answer = String(goldGraph(task).answer);
      for (const response of [`</solution> <answer> ${answer} </answer>`, `Answer: ${answer}.`]) {
        const { rewards, parsed, answer_correct } = verify(task, response);
        assert.deepEqual(rewards, {
          outcome: 1,
          process: 0,
          composite: { '0.2': 0.2, '0.5': 0.5 },
          strict: 0,
        });
        assert.deepEqual([parsed, answer_correct], [false, true]);
      }
    }
  });
});

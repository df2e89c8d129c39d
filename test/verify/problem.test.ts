/**
 * Graphs read from solutions against graphs read from the problem text, which shares nothing with them: which
 * quantities a sentence names, and what it does with them.
 */
import assert from 'node:assert/strict';
import { goldGraph } from '../../src/verify/index.ts';
import { generatedTasks, referenceRows } from './samples.ts';

interface Sentence {
  parents: string[];
  value: (of: (name: string) => number) => number;
}

/** "the number of X" → X; "the total number …" → "total number …" */
const nameOf = (phrase: string): string =>
  phrase
    .trim()
    .replace(/^the /i, '')
    .replace(/^number of /, '');

/** Sentences of a problem by the quantity that they define; what "exists" is not defined. */
function readProblem(problem: string): { defined: Map<string, Sentence>; names: Set<string> } {
  const defined = new Map<string, Sentence>();
  const names = new Set<string>();
  for (const sentence of problem.split(/\.(?:\s|$)/)) {
    const match = /^(The .+?) equals (.+)$/.exec(sentence.trim());
    if (match === null) {
      const exists = /^(The .+?) exists,/.exec(sentence.trim());
      if (exists !== null) names.add(nameOf(exists[1]!));
      continue;
    }
    names.add(nameOf(match[1]!));
    const [, constant, sign, rest] = /^(?:(\d+)(?: (plus|times) )?)?(.*)$/.exec(match[2]!)!;
    const difference = rest!.startsWith('the difference between ');
    const list = rest!.replace(/^the (?:sum of|difference between) /, '');
    const parents = list === '' ? [] : list.split(/, and (?=the )|, (?=the )| and (?=the )/).map(nameOf);
    for (const parent of parents) names.add(parent);
    // A reverse problem also states the last quantity's number, beside the sentence that defines it.
    if (parents.length === 0 && defined.has(nameOf(match[1]!))) continue;
    defined.set(nameOf(match[1]!), {
      parents,
      value: (of) => {
        const [first, second] = parents.map(of);
        const rhs = difference ? first! - second! : parents.reduce((sum, parent) => sum + of(parent), 0);
        if (constant === undefined) return rhs;
        return sign === 'times' ? Number(constant) * rhs : Number(constant) + rhs;
      },
    });
  }
  return { defined, names };
}

function check(task: { problem: string; solution: string; mode: string }): void {
  const graph = goldGraph(task);
  const values = new Map(graph.nodes.map((node) => [node.name, node.value]));
  const { defined, names } = readProblem(task.problem);
  for (const { name, value, dependencies } of graph.nodes) {
    const total = /^total number of .+? in (.+)$/.exec(name);
    if (total !== null) {
      // A reverse problem of the reference may have lost the sentence of a member (PAPER §1.9).
      const lost = task.mode === 'forwardreverse' ? dependencies.filter((one) => !names.has(one)) : [];
      const members = [...names, ...lost].filter(
        (other) => !other.startsWith('total ') && other.endsWith(` in ${total[1]}`),
      );
      assert.deepEqual([...dependencies].sort(), members.sort(), name);
      assert.equal(
        value,
        members.reduce((sum, member) => sum + values.get(member)!, 0),
        name,
      );
      continue;
    }
    const sentence = defined.get(name);
    if (sentence === undefined) {
      assert.equal(task.mode, 'forwardreverse', `${name} is not defined`);
      continue; // the unknown, or a sentence that the reference lost (PAPER §1.9)
    }
    assert.deepEqual([...dependencies].sort(), [...new Set(sentence.parents)].sort(), name);
    assert.equal(
      value,
      sentence.value((parent) => values.get(parent)!),
      name,
    );
  }
}

describe('goldGraph against the problem text', () => {
  it('agrees on generated tasks', () => {
    for (const task of generatedTasks(100)) check(task as never);
  });

  it("agrees on the reference's tasks, forward and reverse", function () {
    const samples = referenceRows('samples.jsonl');
    if (samples === null) return this.skip();
    for (const task of samples) check(task);
  });
});

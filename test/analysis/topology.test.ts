/** A task's graph, its gold solution and a response that says the same have one topology. */
import assert from 'node:assert/strict';
import { responseTopology, type Topology, TopologyIndex, taskTopology } from '../../src/analysis/index.ts';
import { randomFamily } from '../../src/core/index.ts';
import { responseText } from '../../src/tasks/index.ts';
import { parseSolution } from '../../src/verify/index.ts';
import { FORWARD, generatedTasks, REVERSE, referenceRows } from '../verify/samples.ts';
import { renameLetters, reorderSteps } from '../verify/transform.ts';

/** Parents as sets; nodes in solution order. */
const plain = (topology: Topology | null): Topology | null =>
  topology && {
    roles: topology.roles,
    parents: topology.parents.map((list) => list.toSorted((a, b) => a - b)),
  };

const ofText = (text: string): Topology => responseTopology(parseSolution(text))!;

describe('topology', () => {
  it('of a solution by hand', () => {
    assert.deepEqual(plain(ofText(FORWARD)), {
      roles: ['constant', 'instance copy', 'instance plus_sum', 'abstract sum', 'instance times_difference'],
      parents: [[], [0], [0, 1], [0, 1, 2], [2, 3]],
    });
    assert.deepEqual(plain(ofText(REVERSE)), {
      roles: ['constant', 'instance times', 'abstract sum', 'instance plus_difference', 'abstract copy'],
      parents: [[], [0], [0, 1], [1, 2], [3]],
    });
  });

  for (const depth of [2, 3]) {
    for (const mode of ['forward', 'reverse']) {
      it(`of a task and of its gold text are the same: ${mode}, depth ${depth}`, () => {
        for (const task of generatedTasks(80, { modes: [mode], depths: [depth] })) {
          const own = plain(taskTopology(task));
          assert.deepEqual(plain(ofText(responseText(task))), own, task.solution);
          assert.deepEqual(plain(taskTopology({ solution: task.solution })), own, task.solution);
        }
      });
    }
  }

  it("of the reference's solutions can be read", function () {
    const samples = referenceRows('samples.jsonl');
    if (samples === null) return this.skip();
    for (const { solution } of samples) {
      const { roles } = taskTopology({ solution });
      const steps = solution.match(/Define /g).length;
      assert.equal(roles.length, steps, solution);
    }
  });

  it('does not depend on letters and on the order of independent steps', () => {
    const streams = randomFamily('topology test', 1);
    generatedTasks(60, { modes: ['forward', 'reverse'], depths: [2, 3] }).forEach((task, i) => {
      const index = new TopologyIndex([taskTopology(task)]);
      for (const change of [renameLetters, reorderSteps]) {
        const changed = change(task.solution, streams.at(i));
        assert.deepEqual(
          index.similarity(ofText(changed)),
          { similarity: 1, isomorphic: true, nearest: 0 },
          changed,
        );
      }
    });
  });

  it('of a response holds what its last step is made from, and nothing else', () => {
    const extra = FORWARD.replace(
      'Define adult wolf',
      'Define invented thing in Nowhere as Q; so Q = 7. Define adult wolf',
    );
    assert.deepEqual(ofText(extra), ofText(FORWARD));
    assert.equal(responseTopology(parseSolution('no step. Answer: 8.')), null);
    assert.deepEqual(taskTopology({ solution: 'nothing' }), { roles: [], parents: [] });
  });
});

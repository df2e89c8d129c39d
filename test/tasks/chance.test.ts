/** What is left to chance in a text tells nothing about the solution: each of these once told something when broken. */
import assert from 'node:assert/strict';
import { createTaskSource, ZOO } from '../../src/tasks/index.ts';

const tasks = createTaskSource({ contexts: ['zoo'], ops: '12' }).take(2000);
/** Five standard deviations of a share near one half. */
const margin = 5 * Math.sqrt(0.25 / tasks.length);
const near = (share: number, expected: number): void =>
  assert.ok(Math.abs(share - expected) < margin, `${share} instead of ${expected}`);

describe('chance', () => {
  it('orders the sentences: of the first two gold quantities each is told first half of the time', () => {
    const forward = tasks.filter(({ problem, graph }) => {
      const [first, second] = graph.nodes.filter(({ kind }) => kind === 'instance');
      const at = (name: string) => problem.indexOf(`The number of ${name} equals`);
      return at(first!.name) < at(second!.name);
    });
    near(forward.length / tasks.length, 0.5);
  });

  it('chooses the group of places and of animals', () => {
    for (const groups of [ZOO.places, ZOO.categories]) {
      const first = tasks.filter(({ graph }) =>
        groups[0]!.some((name) => graph.nodes[0]!.name.includes(name)),
      );
      near(first.length / tasks.length, 0.5);
    }
  });

  it('chooses names within a group', () => {
    const counts = new Map<string, number>();
    for (const { graph } of tasks) {
      const name = graph.nodes[0]!.name.split(' in ')[0]!;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const all = ZOO.categories.flat();
    for (const name of all) near((counts.get(name) ?? 0) / tasks.length, 1 / all.length);
  });

  it('chooses letters', () => {
    const first = tasks.map(({ solution }) => / as (.);/.exec(solution)![1]!);
    const counts = new Map<string, number>();
    for (const letter of first) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    assert.equal(counts.size, 52);
    for (const count of counts.values()) assert.ok(count < (3 * tasks.length) / 52, `${count}`);
  });
});

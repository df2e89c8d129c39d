/** Paired differences between two evaluations of the same tasks. */
import assert from 'node:assert/strict';
import { randomFamily } from '../../src/core/index.ts';
import { computeMetrics, pairedGains, type SampleRow } from '../../src/evaluate/index.ts';

/** Samples of a task, verified where there is a 1; the answer is right in all but the first. */
function samples(task: string, verified: readonly number[], more: Partial<SampleRow> = {}): SampleRow[] {
  return verified.map((right, i) => ({
    task_id: task,
    sample_index: i,
    op: 3,
    template: 'crazy_zootopia',
    mode: 'normalforward',
    verified: right === 1,
    answer_correct: right === 1 || i > 0,
    process_accuracy: right,
    errors: [],
    first_error: null,
    compatible: { perfect: false },
    ...more,
  }));
}

describe('pairedGains', () => {
  const before = [
    ...samples('a', [1, 0, 0, 0]),
    ...samples('b', [1, 1, 0, 0]),
    ...samples('c', [0, 0], { op: 4 }),
  ];
  const after = [
    ...samples('c', [1, 0], { op: 4 }),
    ...samples('b', [1, 1, 1, 0]),
    ...samples('a', [1, 1, 0, 0]),
  ];
  const settings = { k: [1, 2], seed: 1, ranges: { low: [2, 3], high: [4, 9] } } as const;
  const gains = pairedGains(before, after, settings);
  const gain = (by: string, group: string, verifier: string, k: number) => {
    const found = gains.find((g) => g.by === by && g.group === group && g.verifier === verifier && g.k === k);
    assert.ok(found, `${by} ${group} ${verifier} ${k} is there`);
    return found;
  };
  const near = (value: number, expected: number) => assert.ok(Math.abs(value - expected) < 1e-12, `${value}`);

  it('subtracts the means, by group, verifier and k', () => {
    const all = gain('overall', 'all', 'verified', 1);
    near(all.before, (1 / 4 + 2 / 4 + 0) / 3);
    near(all.after, (2 / 4 + 3 / 4 + 1 / 2) / 3);
    near(all.gain, (1 / 4 + 1 / 4 + 1 / 2) / 3);
    assert.deepEqual([all.n, all.clusters], [3, 3]);
    // pass@2 of 1, 2 and 3 right ones of 4: 1 − C(4 − c, 2) / 6; of 1 of 2: 1.
    near(gain('overall', 'all', 'verified', 2).gain, (5 / 6 - 3 / 6 + (1 - 5 / 6) + 1) / 3);
    near(gain('op', '3', 'verified', 1).gain, 1 / 4);
    near(gain('range', 'high', 'verified', 1).gain, 1 / 2);
    near(gain('context', 'crazy_zootopia', 'verified', 1).gain, all.gain);
    near(gain('overall', 'all', 'compatible', 1).gain, 0);
  });

  it('leaves room on both sides when nothing differs, and has no interval for one graph', () => {
    const none = gain('overall', 'all', 'compatible', 1);
    assert.ok(none.low < 0 && none.low === -none.high, `${none.low} to ${none.high}`);
    assert.ok(Number.isNaN(gain('op', '4', 'verified', 1).low), 'one graph');
  });

  it('does not depend on the order of rows, and turns its sign when the two change places', () => {
    assert.deepEqual(pairedGains([...before].reverse(), [...after].reverse(), settings), gains);
    const back = pairedGains(after, before, { ...settings, by: ['overall'] });
    near(back[0]!.gain, -gain('overall', 'all', 'verified', 1).gain);
  });

  it('draws graphs, not tasks', () => {
    const graph = { fingerprint: 'one' };
    const two = pairedGains(
      [...samples('a', [0, 0], graph), ...samples('b', [0, 0], graph)],
      [...samples('a', [1, 0], graph), ...samples('b', [0, 0], graph)],
      { k: [1], seed: 1, verifiers: ['verified'], by: ['overall'] },
    );
    assert.equal(two.length, 1);
    assert.deepEqual([two[0]!.gain, two[0]!.n, two[0]!.clusters], [0.25, 2, 1]);
    assert.ok(Number.isNaN(two[0]!.low), 'a single cluster has no interval');
  });

  it('is NaN where a problem has fewer than k samples', () => {
    const [k4] = pairedGains(before, after, { k: [4], seed: 1, by: ['overall'] });
    assert.ok(Number.isNaN(k4!.gain) && Number.isNaN(k4!.low), `${k4!.gain}`);
  });

  it('refuses evaluations of different tasks', () => {
    assert.throws(() => pairedGains(before, samples('a', [1]), settings), {
      code: 'GAIN_TASKS',
      message: /3 and 1 tasks, 1 of them in both/,
    });
  });

  it('refuses tasks of one id that are not the same', () => {
    for (const other of [{ op: 4 }, { template: 'teachers' }, { mode: 'reverse' }, { fingerprint: 'g2' }]) {
      const [one, two] = [{ fingerprint: 'g1' }, { fingerprint: 'g1', ...other }];
      assert.throws(() => pairedGains(samples('a', [1], one), samples('a', [1], two), settings), {
        code: 'GAIN_TASKS',
        message: /task a/,
      });
    }
    // Rows of other programs may lack the fingerprint; one that is known serves for both.
    const rows = (name: string, more = {}) => samples(name, [1, 0], more);
    const graph = { fingerprint: 'g' };
    const known = pairedGains(
      [...rows('a'), ...rows('b')],
      [...rows('a', graph), ...rows('b', graph)],
      settings,
    );
    assert.equal(known[0]!.clusters, 1);
  });

  it('refuses a sample that is there twice', () => {
    const twice = [...samples('a', [1]), ...samples('a', [1])];
    for (const [one, two] of [
      [twice, samples('a', [1])],
      [samples('a', [1]), twice],
    ] as const) {
      assert.throws(() => pairedGains(one, two, settings), { code: 'METRICS_ROWS', message: /task a/ });
    }
  });

  it('has a mirrored interval where everything is lost', () => {
    const names = ['a', 'b', 'c', 'd'];
    const all = (right: number) => names.flatMap((name) => samples(name, [right]));
    const options = { k: [1], seed: 1, verifiers: ['verified'], by: ['overall'] } as const;
    const [won] = pairedGains(all(0), all(1), options);
    const [lost] = pairedGains(all(1), all(0), options);
    // Wilson's margin of 4 of 4: z² / (4 + z²) with z = 1.95996.
    near(won!.low, 1 - 1.959963984540054 ** 2 / (4 + 1.959963984540054 ** 2));
    assert.deepEqual([lost!.gain, lost!.low, lost!.high], [-1, -1, -won!.low]);
  });

  it('counts tasks without a sample: nothing is known of their gain', () => {
    const facts = { task_id: 'd', op: 4, template: 'crazy_zootopia', mode: 'normalforward' };
    const found = pairedGains(before, [...after, ...samples('d', [1], { op: 4 })], {
      ...settings,
      without: { before: [facts] },
    });
    const of = (by: string, group: string) => found.find((g) => g.by === by && g.group === group)!;
    assert.deepEqual([of('overall', 'all').n, of('overall', 'all').gain], [4, Number.NaN]);
    assert.deepEqual([of('op', '4').n, of('op', '4').before], [2, Number.NaN]);
    near(of('op', '3').gain, 1 / 4);
  });

  it('covers the true gain of problems of very different difficulty, with intervals far narrower than unpaired ones', () => {
    const trueGain = 0.1;
    let covered = 0;
    let narrower = 0;
    const runs = 100;
    for (let run = 0; run < runs; run++) {
      const stream = randomFamily('gains test', run, 'draws').at(0);
      const one: SampleRow[] = [];
      const two: SampleRow[] = [];
      for (let task = 0; task < 60; task++) {
        const rate = 0.9 * stream.uniform();
        const draws = (p: number) => Array.from({ length: 16 }, () => (stream.uniform() < p ? 1 : 0));
        one.push(...samples(`t${task}`, draws(rate)));
        two.push(...samples(`t${task}`, draws(rate + trueGain)));
      }
      const options = { k: [1], seed: run, replicates: 400 };
      const [found] = pairedGains(one, two, { ...options, verifiers: ['verified'], by: ['overall'] });
      if (found!.low <= trueGain && trueGain <= found!.high) covered++;
      const alone = computeMetrics(one, options).overall.verified;
      const independent = Math.SQRT2 * (alone.high - alone.low);
      if (2 * (found!.high - found!.low) < independent) narrower++;
    }
    // 95 of 100 expected; fewer than 87 has a chance of one in a thousand.
    assert.ok(covered >= 87, `${covered} of ${runs} intervals cover the gain`);
    assert.ok(
      narrower >= 95,
      `${narrower} of ${runs} are less than half as wide as for other problems in each`,
    );
  });
});

import assert from 'node:assert/strict';
import { randomFamily } from '../../src/core/index.ts';
import { computeMetrics, type SampleRow } from '../../src/evaluate/index.ts';

function row(
  task: string,
  sample: number,
  op: number,
  verified: boolean,
  more: Partial<SampleRow> = {},
): SampleRow {
  return {
    task_id: task,
    sample_index: sample,
    op,
    template: 'crazy_zootopia',
    mode: 'normalforward',
    verified,
    answer_correct: verified,
    process_accuracy: verified ? 1 : 0.5,
    errors: verified ? [] : ['value_mismatch'],
    first_error: verified ? null : { step: 0, node: 'n', kind: 'arithmetic' },
    compatible: { perfect: false },
    ...more,
  };
}

/** Two problems of op 2 (2 of 4, 0 of 4 right), one of op 12 (4 of 4). */
const rows: SampleRow[] = [
  row('a', 0, 2, true),
  row('a', 1, 2, true, { compatible: { perfect: true } }),
  row('a', 2, 2, false),
  row('a', 3, 2, false, { answer_correct: true, errors: ['missing_nodes', 'truncated'] }),
  row('b', 0, 2, false),
  row('b', 1, 2, false),
  row('b', 2, 2, false),
  row('b', 3, 2, false, {
    errors: ['unparsed', 'missing_nodes'],
    first_error: { step: 0, node: 'n', kind: 'missing' },
  }),
  ...[0, 1, 2, 3].map((i) =>
    row('c', i, 12, true, { template: 'teachers_in_school', mode: 'forwardreverse' }),
  ),
];

describe('computeMetrics', () => {
  const metrics = computeMetrics(rows, { k: [1, 2, 8], seed: 1 });

  it('averages the unbiased estimate over problems; failures count', () => {
    const { by_op, overall } = metrics;
    // (2/4 + 0/4) / 2, and (1 − C(2,2)/C(4,2) + 0) / 2 = (1 − 1/6) / 2
    assert.equal(by_op['2']!.pass_at_k.verified['1']!.value, 0.25);
    assert.ok(Math.abs(by_op['2']!.pass_at_k.verified['2']!.value - 5 / 12) < 1e-15);
    assert.equal(by_op['12']!.pass_at_k.verified['1']!.value, 1);
    assert.ok(Math.abs(overall.pass_at_k.verified['1']!.value - 0.5) < 1e-15);
    assert.deepEqual([overall.problems, overall.samples], [3, 12]);
  });

  it('keeps the verifiers apart', () => {
    const at1 = metrics.by_op['2']!.pass_at_k;
    assert.deepEqual(
      [at1.verified['1']!.value, at1.answer['1']!.value, at1.compatible['1']!.value],
      [2 / 8, 3 / 8, 1 / 8],
    );
  });

  it('is undefined for k above the number of samples', () => {
    for (const { pass_at_k } of [metrics.overall, ...Object.values(metrics.by_op)]) {
      const { value, low, high } = pass_at_k.verified['8']!;
      assert.ok([value, low, high].every(Number.isNaN));
    }
  });

  it('a problem that lacks samples makes pass@k undefined instead of dropping out', () => {
    const short = computeMetrics([...rows.slice(0, 5), ...rows.slice(8)], { k: [1, 2], seed: 1 });
    assert.equal(short.by_op['2']!.pass_at_k.verified['1']!.value, 0.25);
    assert.ok(Number.isNaN(short.by_op['2']!.pass_at_k.verified['2']!.value));
    assert.equal(short.by_op['12']!.pass_at_k.verified['2']!.value, 1);
  });

  it('pass^k and maj@k are means over problems, too', () => {
    const { pass_hat_k, maj_at_k } = metrics.by_op['2']!;
    // a: 2 of 4 right, C(2,2)/C(4,2) = 1/6; b: none.
    assert.ok(Math.abs(pass_hat_k.verified['2']!.value - 1 / 12) < 1e-15);
    assert.deepEqual([pass_hat_k.verified['1']!.value, pass_hat_k.verified['8']!.value], [2 / 8, Number.NaN]);
    // No answers are recorded, so wrong samples do not vote; a has 3 right answers: one voter among two is enough.
    assert.ok(
      Math.abs(maj_at_k['1']!.value - 3 / 8) < 1e-12 && Math.abs(maj_at_k['2']!.value - 1 / 2) < 1e-12,
    );
    const answers = ['7', ' 7.0', 'seven', '8', '8.0', '8', '', null];
    const votes = answers.map((extracted_answer, i) =>
      row('v', i, 2, false, { answer_correct: i < 2, extracted_answer: extracted_answer?.trim() ?? null }),
    );
    const { maj_at_k: voted } = computeMetrics(votes, { k: [1, 8], seed: 1 }).overall;
    // 7 twice, 8 three times whatever its form, "seven" once, two without an answer.
    assert.ok(Math.abs(voted['1']!.value - 2 / 8) < 1e-12 && voted['8']!.value === 0);
    const tied = computeMetrics(votes.slice(0, 5), { k: [5], seed: 1 }).overall.maj_at_k;
    assert.ok(Math.abs(tied['5']!.value - 1 / 2) < 1e-12);
  });

  it('takes problems over one graph as one cluster', () => {
    const problems = Array.from({ length: 40 }, (_, i) =>
      [0, 1].map((sample) => row(`t${i}`, sample, 2, i % 8 < 4, { fingerprint: `g${i % 8}` })),
    ).flat();
    const clustered = computeMetrics(problems, { k: [1], seed: 1 }).overall;
    const alone = computeMetrics(
      problems.map(({ fingerprint: _, ...rest }) => rest),
      { k: [1], seed: 1 },
    ).overall;
    assert.deepEqual([clustered.problems, clustered.clusters, alone.clusters], [40, 8, 40]);
    const [wide, narrow] = [clustered, alone].map(({ pass_at_k }) => pass_at_k.verified['1']!);
    assert.equal(wide!.value, narrow!.value);
    // √5 wider for five equal problems to a graph, and some more because eight are few; 2 leaves room for 1,000 draws.
    assert.ok(wide!.high - wide!.low > 2 * (narrow!.high - narrow!.low));
    // One graph has no interval, however many problems.
    const one = computeMetrics(
      problems.map((each) => ({ ...each, fingerprint: 'g' })),
      { k: [1], seed: 1 },
    ).overall.pass_at_k.verified['1']!;
    assert.deepEqual([one.value, one.low, one.high, one.n], [0.5, Number.NaN, Number.NaN, 40]);
  });

  it('groups by op, context, mode and range', () => {
    assert.deepEqual(Object.keys(metrics.by_op), ['2', '12']);
    assert.deepEqual(Object.keys(metrics.by_context), ['crazy_zootopia', 'teachers_in_school']);
    assert.deepEqual(Object.keys(metrics.by_mode), ['forwardreverse', 'normalforward']);
    assert.deepEqual(Object.keys(metrics.by_range), ['id', 'edge']);
    const own = computeMetrics(rows, { k: [1], seed: 1, ranges: { all: [2, 12] } });
    assert.equal(own.by_range.all!.pass_at_k.verified['1']!.value, 0.5);
  });

  it('counts errors, several to a sample, and first errors, one to a sample', () => {
    const { errors, first_errors, no_failing_step, process_accuracy, verified } = metrics.by_op['2']!;
    const value = (estimates: Record<string, { value: number }>) =>
      Object.fromEntries(Object.entries(estimates).map(([name, estimate]) => [name, estimate.value]));
    assert.deepEqual(value(errors), {
      missing_nodes: 2 / 8,
      extra_nodes: 0,
      value_mismatch: 4 / 8,
      dependency_mismatch: 0,
      answer_mismatch: 0,
      unparsed: 1 / 8,
      truncated: 1 / 8,
    });
    assert.deepEqual(value(first_errors), { reading: 0, arithmetic: 5 / 8, dependency: 0, missing: 1 / 8 });
    assert.equal(no_failing_step.value, 2 / 8);
    assert.deepEqual([verified.value, process_accuracy.value], [2 / 8, (2 + 6 * 0.5) / 8]);
  });

  it('does not depend on the order of the rows', () => {
    const shuffled = randomFamily('rows', 1)
      .at(0)
      .shuffle([...rows]);
    assert.deepEqual(computeMetrics(shuffled, { k: [1, 2, 8], seed: 1 }), metrics);
    assert.notDeepEqual(
      computeMetrics(rows, { k: [1, 2, 8], seed: 2, replicates: 50 }).overall,
      metrics.overall,
    );
  });

  it('refuses rows that cannot be counted', () => {
    const options = { k: [1], seed: 1 };
    assert.throws(() => computeMetrics([], options), { code: 'METRICS_ROWS' });
    assert.throws(() => computeMetrics([...rows, rows[0]!], options), { code: 'METRICS_ROWS' });
    assert.throws(() => computeMetrics([...rows, row('a', 9, 3, true)], options), { code: 'METRICS_ROWS' });
  });
});

import assert from 'node:assert/strict';
import { errorTypesFrame, firstErrorsFrame, passAtKFrame } from '../../src/analysis/index.ts';
import { computeMetrics, type SampleRow } from '../../src/evaluate/index.ts';

const rows: SampleRow[] = [3, 2, 12].flatMap((op) =>
  [0, 1].map((i) => ({
    task_id: `t${op}`,
    sample_index: i,
    op,
    template: 'crazy_zootopia',
    mode: 'normalforward',
    verified: i === 0,
    answer_correct: true,
    process_accuracy: 1 - i / 2,
    errors: i === 0 ? [] : (['value_mismatch', 'missing_nodes'] as const).slice(),
    first_error: i === 0 ? null : { step: 0, node: 'n', kind: 'missing' as const },
    compatible: { perfect: false },
  })),
);
const metrics = computeMetrics(rows, { k: [1, 2, 4], seed: 0, replicates: 20 });

describe('analysis frames', () => {
  it('pass@k in long form, by op in order', () => {
    const table = passAtKFrame(metrics, { verifiers: ['verified'] });
    assert.deepEqual(table.columnNames(), ['op', 'verifier', 'k', 'value', 'low', 'high', 'n', 'clusters']);
    assert.deepEqual(
      table.objects().map((row) => {
        const { op, k, value, n } = row as { op: number; k: number; value: number; n: number };
        return [op, k, value, n];
      }),
      [2, 3, 12].flatMap((op) => [
        [op, 1, 0.5, 1],
        [op, 2, 1, 1],
        [op, 4, Number.NaN, 1],
      ]),
    );
    assert.equal(passAtKFrame(metrics).numRows(), 27);
  });

  it('by range, mode, context and as a whole', () => {
    const names = (by: 'range' | 'mode' | 'context' | 'overall') => [
      ...new Set(passAtKFrame(metrics, { by }).array(by) as string[]),
    ];
    assert.deepEqual(names('range'), ['id', 'edge']);
    assert.deepEqual(names('mode'), ['normalforward']);
    assert.deepEqual(names('context'), ['crazy_zootopia']);
    assert.deepEqual(names('overall'), ['all']);
  });

  it('shares of error types and of first errors', () => {
    const shares = (table: ReturnType<typeof errorTypesFrame>) =>
      Object.fromEntries(
        table
          .objects()
          .filter((row) => (row as { op: number }).op === 2)
          .map((row) => [(row as { type: string }).type, (row as { share: number }).share]),
      );
    assert.deepEqual(shares(errorTypesFrame(metrics)), {
      correct: 0.5,
      missing_nodes: 0.5,
      extra_nodes: 0,
      value_mismatch: 0.5,
      dependency_mismatch: 0,
      answer_mismatch: 0,
      unparsed: 0,
      truncated: 0,
    });
    assert.deepEqual(shares(firstErrorsFrame(metrics)), {
      none: 0.5,
      reading: 0,
      arithmetic: 0,
      dependency: 0,
      missing: 0.5,
    });
  });

  it('metrics read back from a file give the same frame', () => {
    const saved = JSON.parse(JSON.stringify(metrics));
    assert.deepEqual(passAtKFrame(saved).objects(), passAtKFrame(metrics).objects());
  });
});

import assert from 'node:assert/strict';
import { nllReductionFrame } from '../../src/analysis/index.ts';
import type { GoldNll } from '../../src/evaluate/index.ts';

const line = (task_id: string, op: number, tokens: number, nll: number): GoldNll => ({
  task_id,
  op,
  template: 't',
  mode: 'm',
  tokens,
  nll,
});

describe('NLL reduction', () => {
  const base = [line('a', 2, 10, 20), line('b', 2, 4, 4), line('c', 5, 8, 4)];
  const run = [line('c', 5, 8, 6), line('a', 2, 10, 10), line('b', 2, 4, 2)];

  it('is the mean over problems of the difference per token, paired by task whatever the order', () => {
    const rows = nllReductionFrame(base, { x: run }, { seed: 1, trained: { x: [2, 4] } }).objects() as {
      op: number;
      value: number;
      n: number;
      low: number;
      high: number;
      trained: boolean;
    }[];
    // op 2: (2 − 1 + 1 − 0.5) / 2; op 5: 0.5 − 0.75.
    assert.deepEqual(
      rows.map(({ op, value, n, trained }) => [op, value, n, trained]),
      [
        [2, 0.75, 2, true],
        [5, -0.25, 1, false],
      ],
    );
    assert.ok(rows[0]!.low >= 0.5 && rows[0]!.low < 0.75 && rows[0]!.high <= 1, 'within the two differences');
    assert.ok(Number.isNaN(rows[1]!.low), 'one problem has no interval');
  });

  it('refuses other tasks', () => {
    assert.throws(() => nllReductionFrame(base, { x: run.slice(1) }, { seed: 1 }), { code: 'NLL_TASKS' });
    const other = [...run.slice(1), line('d', 5, 1, 1)];
    assert.throws(() => nllReductionFrame(base, { x: other }, { seed: 1 }), {
      code: 'NLL_TASKS',
      message: /task, d/,
    });
  });
});

import assert from 'node:assert/strict';
import { edgeOfCompetence } from '../../src/analysis/index.ts';
import type { SampleRow } from '../../src/evaluate/index.ts';

/** Rows of problems named by their number of right samples of four. */
const rows: SampleRow[] = [3, 0, 1, 4, 2].flatMap((right) =>
  [0, 1, 2, 3].map((i) => ({
    task_id: `${right} of 4`,
    sample_index: i,
    op: 2,
    template: 'crazy_zootopia',
    mode: 'normalforward',
    verified: i < right,
    answer_correct: true,
    process_accuracy: 1,
    errors: [],
    first_error: null,
    compatible: { perfect: i < right },
  })),
);

describe('edgeOfCompetence', () => {
  it('selects what is solved sometimes', () => {
    // pass@1: 0, .25, .5, .75, 1. pass@2: 0, 3/6, 5/6, 1, 1.
    assert.deepEqual(edgeOfCompetence(rows, { k: 2, atMost: 0.5, atLeast: 0.5 }), ['1 of 4', '2 of 4']);
    assert.deepEqual(edgeOfCompetence(rows, { k: 2, atMost: 0.8, atLeast: 0.9 }), ['3 of 4']);
    assert.deepEqual(edgeOfCompetence(rows, { k: 2, atMost: 0.5, atLeast: 0.5, verifier: 'answer' }), []);
  });

  it('refuses problems with too few samples', () => {
    assert.throws(() => edgeOfCompetence(rows, { k: 5, atMost: 1, atLeast: 0 }), { code: 'EDGE_SAMPLES' });
  });
});

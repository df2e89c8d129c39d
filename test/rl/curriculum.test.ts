import assert from 'node:assert/strict';
import fc from 'fast-check';
import { advanceCurriculum, CURRICULUM_START } from '../../src/rl/curriculum.ts';

const config = { ops: ['2', '3', '4'], raise_at: 0.5, lower_at: 0.25, window: 2 };

/** Stage before each rate, and after the last. */
function stages(rates: readonly number[]): number[] {
  let state = CURRICULUM_START;
  const after = rates.map((rate) => {
    state = advanceCurriculum(config, state, rate);
    return state.stage;
  });
  return [0, ...after];
}

describe('curriculum', () => {
  it('moves up when the mean over the window reaches raise_at, and starts counting anew', () => {
    assert.deepEqual(stages([0.4, 0.5, 0.5]), [0, 0, 0, 1]); // .45, then .5
    assert.deepEqual(stages([1, 1, 1, 1, 1, 1]), [0, 0, 1, 1, 2, 2, 2]);
  });

  it('moves down when it is below lower_at, not at it, and never below the first range', () => {
    assert.deepEqual(stages([1, 1, 0.25, 0.25]), [0, 0, 1, 1, 1]);
    assert.deepEqual(stages([1, 1, 0.25, 0.24]), [0, 0, 1, 1, 0]);
    assert.deepEqual(stages([0, 0, 0, 0]), [0, 0, 0, 0, 0]);
  });

  it('is a function of the rates since the last move: its state survives a file', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (rates) => {
        let state = CURRICULUM_START;
        let stored = CURRICULUM_START;
        for (const rate of rates) {
          state = advanceCurriculum(config, state, rate);
          stored = JSON.parse(JSON.stringify(advanceCurriculum(config, stored, rate)));
          assert.deepEqual(stored, state);
          assert.ok(state.stage >= 0 && state.stage < 3 && state.rates.length < 3, JSON.stringify(state));
        }
      }),
    );
  });
});

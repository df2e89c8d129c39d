import assert from 'node:assert/strict';
import { learningRate } from '../../src/train/schedule.ts';

describe('learning rate', () => {
  const schedule = { peak: 2e-4, floor: 3e-5, warmup: 4, total: 12 };

  it('rises linearly, peaks at the end of the warm-up, and ends on the floor', () => {
    assert.equal(learningRate(schedule, 1), 5e-5);
    assert.equal(learningRate(schedule, 2), 1e-4);
    assert.equal(learningRate(schedule, 4), 2e-4);
    assert.equal(learningRate(schedule, 12), 3e-5);
    assert.equal(learningRate(schedule, 13), 3e-5);
  });

  it('is half-way between peak and floor in the middle of the cosine', () => {
    assert.ok(Math.abs(learningRate(schedule, 8) - (2e-4 + 3e-5) / 2) < 1e-18); // rounding of one addition
  });

  it('never rises after the warm-up', () => {
    for (let step = 4; step < 12; step++) {
      assert.ok(learningRate(schedule, step + 1) < learningRate(schedule, step));
    }
  });

  it('is all warm-up when the warm-up is the whole run', () => {
    assert.equal(learningRate({ ...schedule, warmup: 12 }, 12), 2e-4);
  });
});

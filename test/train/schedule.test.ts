import assert from 'node:assert/strict';
import { learningRate, type Schedule } from '../../src/train/schedule.ts';

describe('learning rate', () => {
  const schedule: Schedule = {
    kind: 'cosine',
    peak: 2e-4,
    floor: 3e-5,
    warmup: 4,
    total: 12,
    decay: 4,
    decayShape: 'linear',
  };

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

  it('stays at the peak when constant', () => {
    const constant: Schedule = { ...schedule, kind: 'constant' };
    assert.equal(learningRate(constant, 2), 1e-4);
    for (const at of [4, 11, 12, 13]) assert.equal(learningRate(constant, at), 2e-4);
  });

  it('is stable, then decays to the floor (wsd)', () => {
    const wsd: Schedule = { ...schedule, kind: 'wsd' };
    assert.equal(learningRate(wsd, 2), 1e-4);
    for (const at of [4, 5, 8]) assert.equal(learningRate(wsd, at), 2e-4);
    // Half of the way linearly; a quarter of the way is half of it for 1 − √p.
    const middle = (2e-4 + 3e-5) / 2;
    assert.ok(Math.abs(learningRate(wsd, 10) - middle) < 1e-18);
    assert.ok(Math.abs(learningRate({ ...wsd, decayShape: 'sqrt' }, 9) - middle) < 1e-18);
    for (const at of [12, 13]) assert.equal(learningRate(wsd, at), 3e-5);
    assert.equal(learningRate({ ...wsd, decay: 0 }, 11), 2e-4);
  });
});

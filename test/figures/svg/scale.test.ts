import assert from 'node:assert/strict';
import { coordinate, formatTick, niceStep, ticksOf } from '../../../src/figures/svg/scale.ts';
import type { Axis } from '../../../src/figures/types.ts';

function axis(part: Partial<Axis>): Axis {
  return { type: 'linear', range: [0, 1], ...part } as Axis;
}
const texts = (part: Partial<Axis>, most = 6) => ticksOf(axis(part), most).map(({ text }) => text);

describe('axes', () => {
  it('take round steps: 1, 2, 5 times a power of ten', () => {
    assert.deepEqual(
      [0.013, 0.02, 0.9, 1, 1.01, 34, 6e5].map(niceStep),
      [0.02, 0.02, 1, 1, 2, 50, 1_000_000],
    );
  });

  it('put ticks at round numbers inside the range, both ends included', () => {
    assert.deepEqual(texts({ range: [0, 1], dtick: 0.2, tickformat: '.0%' }), [
      '0%',
      '20%',
      '40%',
      '60%',
      '80%',
      '100%',
    ]);
    assert.deepEqual(texts({ range: [-0.02, 1.02], dtick: 0.5 }), ['0', '0.5', '1']);
    assert.deepEqual(texts({ range: [-3, 4], dtick: 2 }), ['−2', '0', '2', '4']);
    assert.deepEqual(texts({ range: [0, 9_800_000], tickformat: '~s' }, 5), ['0', '2M', '4M', '6M', '8M']);
  });

  it('put given ticks where they belong and drop those outside', () => {
    const ticks = ticksOf(
      axis({
        type: 'log',
        range: [0, Math.log10(20)],
        tickvals: [1, 2, 4, 8, 16, 32],
        ticktext: ['1', '2', '4', '8', '16', '32'],
      }),
      5,
    );
    assert.deepEqual(
      ticks.map(({ text }) => text),
      ['1', '2', '4', '8', '16'],
    );
    assert.deepEqual(
      ticks.map(({ at }) => at),
      [1, 2, 4, 8, 16].map(Math.log10),
    );
  });

  it('divide decades', () => {
    assert.deepEqual(texts({ type: 'log', range: [Math.log10(0.4), Math.log10(12)] }), [
      '0.5',
      '1',
      '2',
      '5',
      '10',
    ]);
    assert.deepEqual(texts({ type: 'log', range: [0, 4] }), ['1', '10', '100', '1000', '10000']);
  });

  it('map values: logarithms, categories, nothing for what has no place', () => {
    assert.equal(coordinate(axis({ type: 'log' }), 1000), 3);
    assert.ok(Number.isNaN(coordinate(axis({ type: 'log' }), 0)));
    assert.equal(coordinate(axis({ type: 'category', categoryarray: ['2', '3'] }), '3'), 1);
    assert.ok(Number.isNaN(coordinate(axis({ type: 'category', categoryarray: ['2'] }), '9')));
    assert.ok(Number.isNaN(coordinate(axis({}), null)));
  });

  it('write numbers for readers', () => {
    assert.equal(formatTick(1500, '~s', 500), '1.5k');
    assert.equal(formatTick(0.0005, '.0e', 0.0005), '5e−4');
    assert.equal(formatTick(0.30000000000000004, undefined, 0.1), '0.3');
    assert.throws(() => formatTick(1, '.3%' as never, 1), { code: 'FIGURE_UNSUPPORTED' });
  });

  it('refuse a step that would fill the page with ticks', () => {
    assert.throws(() => ticksOf(axis({ range: [0, 1e6], dtick: 1 }), 5), { code: 'FIGURE_UNSUPPORTED' });
  });
});

import assert from 'node:assert/strict';
import { liveProgress, progressText } from '../../src/notebook/progress.ts';

type Shown = { 'text/html': string; 'text/plain': string };

/** A progress display with a clock of its own. */
function rig(options = {}) {
  const shown: Shown[] = [];
  const clock = { now: 0 };
  const progress = liveProgress({ ...options, now: () => clock.now, show: (bundle) => shown.push(bundle) });
  return { shown, clock, progress };
}
const report = (done: number, extra = {}) => ({ stage: 'train', done, total: 100, unit: 'step', ...extra });

describe('live progress', () => {
  it('shows the first report, then four a second, and always the last', () => {
    const { shown, clock, progress } = rig();
    // 100 reports, 10 ms apart: at 0, 250, 500 and 750 ms, and the one that is done.
    for (let done = 1; done <= 100; done++) {
      progress(report(done));
      clock.now += 10;
    }
    const percent = shown.map((bundle) => /\((\d+) %\)/.exec(bundle['text/plain'])![1]);
    assert.deepEqual(percent, ['1', '26', '51', '76', '100']);
  });

  it('finish() shows the last report of a job that ended early', () => {
    const { shown, progress } = rig();
    progress(report(1));
    progress(report(2));
    assert.equal(shown.length, 1);
    progress.finish();
    assert.match(shown.at(-1)!['text/plain'], /2\/100/);
  });

  it('a report that was held back is shown although nothing follows it', async () => {
    const shown: Shown[] = [];
    let seen = () => {};
    const second = new Promise<void>((resolve) => {
      seen = resolve;
    });
    const progress = liveProgress({ show: (bundle) => shown.push(bundle) === 2 && seen() });
    progress(report(1));
    progress(report(2));
    await second;
    assert.match(shown[1]!['text/plain'], /2\/100/);
  });

  it('text and HTML say the same', () => {
    const values = { loss: 2.34567, tokens_per_second: 12345.6, rate: 0.00012 };
    const text = progressText(report(25, { secondsLeft: 65, values }), 'train');
    assert.equal(
      text,
      'train 25/100 steps (25 %), 1:05 left, loss 2.346, tokens_per_second 12,346, rate 1.20e-4',
    );
    const { shown, progress } = rig({ title: 'a <b>' });
    progress(report(25, { secondsLeft: 65, values }));
    const html = shown[0]!['text/html'];
    for (const part of [
      '25/100 steps',
      '1:05 left',
      '<b>2.346</b>',
      '<b>12,346</b>',
      'width:25.0%',
      'a &#60;b&#62;',
    ]) {
      assert.ok(html.includes(part), part);
    }
  });

  it('shows the newest sample as text, cut to its end, until there is a newer one', () => {
    const { shown, clock, progress } = rig();
    const next = (done: number, extra = {}) => {
      clock.now += 1000;
      progress(report(done, extra));
      return shown.at(-1)!['text/html'];
    };
    assert.ok(!next(1).includes('sample'), 'none yet');
    assert.match(
      next(2, { sample: 'a < b, so the answer is 4' }),
      /newest sample.*>a &#60; b, so the answer is 4</s,
    );
    assert.match(next(3), /the answer is 4/);
    const long = next(4, { sample: `${'x'.repeat(5000)} the end` });
    assert.ok(
      !long.includes('answer is 4') && long.includes('>…x') && long.includes('the end<'),
      long.slice(-200),
    );
    assert.ok(long.length < 4000, `${long.length}`);
  });

  it('draws the curve as an image whose points are the reported values', () => {
    const { shown, clock, progress } = rig();
    for (const [at, loss] of [4, 2, 1].entries()) {
      clock.now += 1000;
      progress(report(at + 1, { values: { loss } }));
    }
    const html = shown.at(-1)!['text/html'];
    assert.ok(!html.includes('<svg'));
    const svg = Buffer.from(/data:image\/svg\+xml;base64,([^"]+)"/.exec(html)![1]!, 'base64').toString();
    // 480 x 60 with a margin: highest value at y 3, lowest at y 57, two thirds of the way down at 39.
    assert.ok(svg.includes('points="2.0,3.0 240.0,39.0 478.0,57.0"'), svg);
    assert.ok(html.includes('alt="loss from 4 to 1"'));
  });

  it('keeps a bounded number of points of a long curve, NaN left out', () => {
    const { shown, clock, progress } = rig();
    for (let step = 0; step < 10_000; step++)
      progress(report(1, { values: { loss: step % 7 === 0 ? Number.NaN : step } }));
    clock.now += 1000;
    progress(report(100, { values: { loss: 1 } }));
    const html = shown.at(-1)!['text/html'];
    const svg = Buffer.from(/base64,([^"]+)"/.exec(html)![1]!, 'base64').toString();
    const points = /points="([^"]+)"/.exec(svg)![1]!.split(' ');
    assert.ok(points.length >= 200 && points.length < 400);
    assert.ok(points.every((point) => point.split(',').every((value) => Number.isFinite(Number(value)))));
  });
});

import assert from 'node:assert/strict';
import {
  bars,
  type Figure,
  figure2,
  figure3,
  figure4,
  figure6,
  figure7,
  figure8,
  figure9,
  figure10,
  figure11,
  figure12,
  figure15,
  figure18,
  heatMap,
  histograms,
  passAtKCurve,
  runCurves,
} from '../../src/figures/index.ts';
import type { Axis, BarTrace, HeatTrace, LineTrace } from '../../src/figures/types.ts';
import { createTaskSource } from '../../src/tasks/index.ts';
import { checkSvg } from './checkSvg.ts';
import { matchesGallery } from './gallery.ts';
import { paperFigures, rl } from './paper-figures.ts';
import {
  allocations,
  alongTraining,
  budgets,
  byRun,
  errorGrid,
  exposures,
  hardRatios,
  KS,
  nll,
  ratios,
  rewards,
} from './paper-rows.ts';
import { byClass, parseXml } from './xml.ts';

const lines = (figure: Figure) =>
  figure.data.filter((trace): trace is LineTrace => trace.type === 'scatter' && trace.fill === undefined);
const barsOf = (figure: Figure) => figure.data.filter((trace): trace is BarTrace => trace.type === 'bar');
const labels = (figure: Figure) => figure.layout.annotations.filter(({ xref }) => xref !== 'paper');
const titles = (figure: Figure) =>
  figure.layout.annotations
    .map(({ text }) => text.replace(/<br>|\u00a0/g, ' '))
    .filter((text) => text.startsWith('<b>'))
    .map((text) => text.replace(/<\/?b>/g, ''));
const axesNamed = (figure: Figure, letter: 'x' | 'y') =>
  Object.entries(figure.layout)
    .filter(([name]) => new RegExp(`^${letter}axis\\d*$`).test(name))
    .map(([, axis]) => axis as Axis);

describe('figures of the paper', () => {
  for (const [name, draw] of Object.entries(paperFigures)) {
    it(`${name}: nothing overlaps, n and intervals are said, and it looks as it did`, () => {
      const figure = draw();
      checkSvg(figure);
      assert.match(figure.caption, /n\u00a0=\u00a0\d/, 'n in the caption');
      if (figure.data.some((trace) => 'error_y' in trace)) assert.match(figure.caption, /Whiskers: 95 %/);
      if (figure.data.some((trace) => trace.type === 'scatter' && trace.fill === 'toself')) {
        assert.match(figure.caption, /Shaded: 95 %/);
      }
      const panels = byClass(parseXml(figure.svg), 'panel');
      for (const panel of panels) {
        const marks = ['line', 'bar', 'cell'].flatMap((kind) => byClass(panel, kind));
        assert.ok(marks.length > 0, 'no panel is empty');
      }
      matchesGallery(name, figure.svg);
    });
  }

  it('figure 1: each panel has its own lines and legend', () => {
    const figure = paperFigures.figure_1!();
    assert.deepEqual(titles(figure).slice(-3), [
      '(a) RL at the edge of competence',
      '(b) Exposure to context B',
      '(c) Mid-training and RL',
    ]);
    const entries = (legend: string) =>
      figure.data.filter(
        (trace) => trace.type !== 'heatmap' && trace.showlegend !== false && trace.legend === legend,
      );
    assert.deepEqual(
      ['legend', 'legend2', 'legend3'].map((name) => entries(name).length),
      [5, 4, 2],
    );
    const edge = byRun.filter(({ range, run }) => range === 'edge' && run === 'RL op 11–14');
    const line = lines(figure).find(({ name }) => name === 'RL op 11–14')!;
    assert.deepEqual(
      line.y,
      edge.map(({ value }) => value),
    );
  });

  it('figure 2: a real task, its graph twice, and a response with one slip', () => {
    const task = createTaskSource({ ops: '6', contexts: ['school'], seed: 3, split: 'test' }).at(1);
    const { svg, summary } = figure2(task);
    const root = parseXml(svg);
    const size = task.graph.nodes.length;
    assert.equal(byClass(root, 'node').length, 3 * size);
    const accuracy = ((size - 1) / size).toFixed(2);
    assert.ok(summary.endsWith(`process accuracy of the response ${accuracy}`), summary);
    assert.match(svg, />wrong value</);
    assert.match(figure2(task, { response: task.solution }).summary, /1\.00$/);
    matchesGallery('figure_2', svg);
  });

  it('figure 3: the values of a run in the panel of their range; panels in the order of the frame on one axis', () => {
    const figure = figure3(byRun);
    assert.deepEqual(titles(figure).slice(-3), [
      'ID (op 2–10)',
      'OOD-edge (op 11–14)',
      'OOD-hard (op 15–20)',
    ]);
    const line = lines(figure).find(({ name, yaxis }) => name === 'RL op 9–12' && yaxis === 'y3')!;
    const rows = byRun.filter(({ run, range }) => run === 'RL op 9–12' && range === 'hard');
    assert.deepEqual([line.x, line.y], [KS, rows.map(({ value }) => value)]);
    const [first, ...others] = axesNamed(figure, 'y');
    assert.ok(
      others.every(({ range, matches }) => matches === 'y' && range.join() === first!.range.join()),
      'shared',
    );
    assert.equal(lines(figure).filter(({ showlegend }) => showlegend !== false).length, 5);
  });

  it('figure 4: only the largest k, lines from low to high exposure in one ramp', () => {
    const figure = figure4(exposures);
    assert.equal(figure.layout.yaxis!.title!.text, 'pass@128');
    assert.deepEqual(
      lines(figure).map(({ name }) => name),
      ['0 %', '0.1 %', '1 %', '10 %'],
    );
    const own = exposures.filter(({ exposure, k }) => exposure === '1 %' && k === 128);
    assert.deepEqual(
      lines(figure)[2]!.y,
      own.map(({ value }) => value),
    );
  });

  it('figure 5: single values are counted into the bins that the table would have', () => {
    const values = [0.02, 0.5, 0.51, 0.999, 1, 1];
    const frame = values.map((one) => ({ exposure: 'x', range: 'id', similarity: one }));
    const figure = histograms(frame, { panels: 'exposure', bins: 4, scale: 'linear' });
    // Bins [0, .25), [.25, .5), [.5, .75), [.75, 1]: 1, 0, 2, 3 of 6.
    assert.deepEqual(lines(figure)[0]!.y, [1 / 6, 1 / 6, 0, 0, 1 / 3, 1 / 3, 1 / 2, 1 / 2]);
    assert.match(figure.caption, /n\u00a0=\u00a06 responses/);
    assert.throws(() => histograms([{ similarity: 1.5 }]), {
      code: 'FIGURE_COLUMN',
      message: /within 0 and 1/,
    });
  });

  it('figure 6: rows pass@1 and pass@128, columns ranges; a row shares its y axis, a column its ops', () => {
    const figure = figure6(allocations);
    const [a, b, c, d] = axesNamed(figure, 'y');
    assert.deepEqual(
      [a!.title!.text, c!.title!.text, b!.title, d!.title],
      ['pass@1', 'pass@128', undefined, undefined],
    );
    assert.equal(b!.matches, 'y');
    assert.equal(d!.matches, 'y3');
    assert.deepEqual(
      axesNamed(figure, 'x').map(({ tickvals }) => tickvals),
      [
        [11, 12, 13, 14],
        [15, 16, 17, 18, 19, 20],
        [11, 12, 13, 14],
        [15, 16, 17, 18, 19, 20],
      ],
    );
  });

  it('figures 7 and 15: the differences that the paper prints', () => {
    const texts = labels(figure7(rewards)).map(({ text }) => text);
    // Per panel: pass@1, pass@128 (PAPER §10, rows 4 to 7).
    assert.deepEqual(texts, [
      ...['70.7', '+4.7', '+4.6', '+5.2', '94.7', '+0.0', '−0.1', '+0.3'],
      ...['5.6', '+4.3', '+3.4', '+4.1', '23.2', '+4.5', '+3.0', '+2.6'],
    ]);
    assert.deepEqual(
      labels(figure15(hardRatios)).map(({ text }) => text),
      [
        ...['−1.7', '−0.5', '−1.1', '−0.7', '−0.4'],
        ...['+29.0', '+29.2', '+16.6', '+45.3', '+42.0'],
        ...['+5.9', '+10.4', '+22.1', '+18.0', '+25.8'],
      ],
    );
    assert.match(figure15(hardRatios).caption, /difference from Base in percentage points/);
  });

  it('bars: whiskers are the interval, and a label stands above them', () => {
    const figure = bars(
      [
        { run: 'a', value: 0.5, low: 0.4, high: 0.7, n: 9 },
        { run: 'b', value: 0.25, low: 0.2, high: 0.3, n: 9 },
      ],
      { by: 'run' },
    );
    const [a] = barsOf(figure);
    assert.ok(
      Math.abs(a!.error_y!.array[0]! - 0.2) < 1e-12 && Math.abs(a!.error_y!.arrayminus[0]! - 0.1) < 1e-12,
      'ends',
    );
    const [label] = labels(figure);
    assert.deepEqual([label!.text, label!.y, label!.x], ['−25.0', 0.7, 0]);
    const twice = [
      { run: 'a', value: 1 },
      { run: 'a', value: 2 },
    ];
    assert.throws(() => bars(twice, { by: 'run' }), { code: 'FIGURE_AMBIGUOUS' });
  });

  it('figure 8: a grid of ranges and the three kinds', () => {
    const figure = figure8(errorGrid);
    assert.equal(barsOf(figure).length, 6 * 4);
    assert.deepEqual(titles(figure).slice(-3), ['correct', 'dependency mismatch', 'missing nodes']);
    assert.match(axesNamed(figure, 'y')[3]!.title!.text, /hard/);
    const strict = barsOf(figure)
      .filter(({ name }) => name === 'strict outcome')
      .map(({ y }) => y[0]);
    assert.deepEqual(strict, [0.46, 0.5, 0.05, 0.1, 0.88, 0.09]);
  });

  it('figure 9: ranges above single ops, shades from k = 1 to the largest', () => {
    const figure = figure9(alongTraining);
    assert.deepEqual(titles(figure).slice(-7), [
      ...['ID (op 2–10)', 'OOD-edge (op 11–14)', 'OOD-hard (op 15–20)'],
      ...['op 11', 'op 12', 'op 13', 'op 14'],
    ]);
    const [first, last] = [lines(figure)[0]!, lines(figure)[7]!];
    assert.deepEqual([first.name, last.name], ['pass@1', 'pass@128']);
    assert.notEqual(first.line!.color, last.line!.color);
    const { xaxis, xaxis5 } = figure.layout;
    assert.ok(
      xaxis5!.domain[0] > xaxis!.domain[0] &&
        figure.layout.yaxis5!.domain[1] < figure.layout.yaxis!.domain[0],
      'below',
    );
  });

  it('figure 10: colours and numbers of the cells, white boxes around the ops trained on', () => {
    const figure = figure10(nll);
    const heat = figure.data[0] as HeatTrace;
    assert.equal(heat.z.length, 4);
    const row = nll.filter(({ run }) => run === 'op 11–14');
    assert.deepEqual(
      heat.z[2],
      row.map(({ value }) => value),
    );
    const white = figure.layout.shapes!.filter(({ line }) => line.color === '#ffffff');
    const places = white.map(({ x0, x1, y0, y1 }) => [Math.round(x0) + 2, Math.round(x1) + 2, (y0 + y1) / 2]);
    assert.deepEqual(places, [
      [7, 10, 0],
      [9, 12, 1],
      [11, 14, 2],
      [17, 20, 3],
    ]);
    const sure = nll.find(({ low, high }) => low > 0 && high > 0)!;
    const open = nll.filter(({ low, high }) => low <= 0 && high >= 0);
    assert.equal(labels(figure).filter(({ text }) => text.startsWith('(')).length, open.length);
    assert.ok(
      labels(figure).some(({ text }) => text === sure.value.toFixed(3).slice(1)),
      'a number',
    );
    assert.equal(byClass(parseXml(figure.svg), 'cell').length, 4 * 19);
    assert.throws(() => heatMap([...nll, nll[0]!]), { code: 'FIGURE_AMBIGUOUS' });
  });

  it('figure 11: a row per measure, a column per run; rows share their y axis', () => {
    const frame = rl(['a', 'b', 'c']);
    const figure = figure11(frame);
    const axes = axesNamed(figure, 'y');
    assert.deepEqual(
      [axes[0]!.title!.text, axes[3]!.title!.text],
      ['mean reward', 'response length (tokens)'],
    );
    assert.ok(
      axes.slice(1, 3).every(({ matches }) => matches === 'y'),
      'reward',
    );
    assert.ok(
      axes.slice(4).every(({ matches }) => matches === 'y4'),
      'length',
    );
    const own = frame.filter(({ run }) => run === 'b');
    const line = lines(figure).find(({ yaxis }) => yaxis === 'y5')!;
    assert.deepEqual(
      line.y,
      own.map(({ response_length }) => response_length),
    );
  });

  it('curves of runs: intervals where the frame has them, means where it is long', () => {
    const frame = Array.from({ length: 1000 }, (_, step) => ({
      run: 'x',
      step,
      reward: step % 2,
      ...(step % 100 === 0
        ? { validation_pass_at_1: 0.5, validation_pass_at_1_low: 0.4, validation_pass_at_1_high: 0.6 }
        : {}),
    }));
    const figure = runCurves(frame, { metrics: ['reward', 'validation_pass_at_1'] });
    const [reward, held] = lines(figure);
    assert.equal(reward!.x.length, 334);
    assert.ok(Math.abs((reward!.y[0] as number) - 1 / 3) < 1e-12, 'mean of 0, 1, 0');
    assert.equal(held!.x.length, 10);
    const band = figure.data.find(
      (trace) => trace.type === 'scatter' && trace.fill === 'toself' && trace.yaxis === 'y2',
    ) as LineTrace;
    assert.deepEqual(band.y, [...Array(10).fill(0.6), ...Array(10).fill(0.4)]);
    assert.throws(() => runCurves(frame, { metrics: ['kl'] }), { code: 'FIGURE_EMPTY' });
    assert.throws(() => runCurves([{ step: 1, reward: 2 }]), { code: 'FIGURE_COLUMN', message: /"run"/ });
  });

  it('figure 12 names its y axis after what it draws, where the paper says pass@128', () => {
    const figure = figure12(ratios);
    assert.equal(figure.layout.yaxis!.title!.text, 'pass@k');
    assert.deepEqual(titles(figure).slice(-2), ['context A (zoo)', 'context B (school)']);
  });

  it('figure 18: a row per budget, columns of metric and range that share their y axis', () => {
    const figure = figure18(budgets);
    assert.deepEqual(titles(figure).slice(-4), [
      'pass@1, edge',
      'pass@1, hard',
      'pass@128, edge',
      'pass@128, hard',
    ]);
    const axes = axesNamed(figure, 'y');
    assert.equal(axes.length, 24);
    assert.ok(
      axes.slice(4).every(({ matches }, i) => matches === `y${i % 4 === 0 ? '' : (i % 4) + 1}`),
      'shared',
    );
    assert.equal(axes[8]!.title!.text, 'budget, 4.2 B');
    const own = budgets.filter(
      ({ budget, range, k }) => budget === 4.194304e9 && range === 'hard' && k === 1,
    );
    assert.deepEqual(
      lines(figure)[2 * 4 + 1]!.y,
      own.map(({ value }) => value),
    );
  });

  it('select rows: where, and one verifier of several, in tables as in rows', () => {
    const frame = ['verified', 'answer'].flatMap((verifier) => byRun.map((row) => ({ ...row, verifier })));
    const figure = passAtKCurve(frame, { by: 'run', where: { range: 'edge', run: ['Base', 'RL op 9–12'] } });
    assert.deepEqual(
      lines(figure).map(({ name }) => name),
      ['Base', 'RL op 9–12'],
    );
    assert.throws(() => passAtKCurve(frame, { where: { range: 'none' } }), {
      code: 'FIGURE_EMPTY',
      message: /range = none.*range = id, edge, hard/,
    });
  });
});

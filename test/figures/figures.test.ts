import assert from 'node:assert/strict';
import { from } from 'arquero';
import type { Annotation, Data, Layout, LayoutAxis } from 'plotly.js-dist-min';
import {
  errorTypes,
  type Figure,
  lossCurves,
  passAtKByOp,
  passAtKCurve,
  trainingCurve,
} from '../../src/figures/index.ts';
import { textWidth } from '../../src/figures/text.ts';
import type { BarTrace, LineTrace } from '../../src/figures/types.ts';
import { matchesGallery } from './gallery.ts';
import { pointsOf } from './geometry.ts';
import { byOp, byRange, errors, training } from './rows.ts';
import { byClass, numberOf, parseXml, select } from './xml.ts';

/** What must hold of every figure's SVG: well-formed, all text and all data on the page. */
function checkSvg(figure: Figure): void {
  const root = parseXml(figure.svg);
  const { width, height } = figure.layout;
  assert.equal(root.attributes.viewBox, `0 0 ${width} ${height}`);
  for (const text of select(root, ({ name }) => name === 'text')) {
    if (text.attributes.transform !== undefined) continue; // the turned axis titles, checked below
    const size = numberOf(text, 'font-size');
    const length = textWidth(text.text, size, text.attributes['font-weight'] === 'bold' ? 'bold' : 'normal');
    const anchor = { middle: 0.5, end: 1 }[text.attributes['text-anchor'] ?? ''] ?? 0;
    const left = numberOf(text, 'x') - anchor * length;
    const y = numberOf(text, 'y');
    assert.ok(left >= 0 && left + length <= width, `${text.text}: ${left} to ${left + length} of ${width}`);
    assert.ok(y - 0.75 * size >= 0 && y + 0.25 * size <= height, `${text.text}: at ${y} of ${height}`);
  }
  for (const title of select(root, ({ attributes }) => attributes.transform?.includes('rotate') ?? false)) {
    const x = Number(/translate\(([\d.-]+)/.exec(title.attributes.transform!)![1]);
    assert.ok(x - 0.75 * numberOf(title, 'font-size') >= 0, `${title.text} begins at ${x}`);
  }
  for (const path of select(root, ({ name, attributes }) => name === 'path' && 'd' in attributes)) {
    for (const { x, y } of pointsOf(path.attributes.d!, 1))
      assert.ok(x >= -1 && x <= width + 1 && y >= -1 && y <= height + 1);
  }
}

const lines = (figure: Figure) =>
  figure.data.filter((trace): trace is LineTrace => trace.type === 'scatter' && trace.fill === undefined);
const bands = (figure: Figure) =>
  figure.data.filter((trace): trace is LineTrace => trace.type === 'scatter' && trace.fill === 'toself');
const captionOf = (figure: Figure) =>
  figure.layout.annotations.map(({ text }) => text.replace(/<br>|\u00a0/g, ' ')).join('\n');

describe('figures', () => {
  it('pass@k by op: a line per k with the frame’s own numbers, and its band', () => {
    const figure = passAtKByOp(byOp, { title: 'Verified pass@k by number of operations' });
    assert.deepEqual(
      lines(figure).map(({ name }) => name),
      ['pass@1', 'pass@4', 'pass@16'],
    );
    for (const k of [1, 4, 16]) {
      const rows = byOp.filter((row) => row.k === k);
      const line = lines(figure).find(({ name }) => name === `pass@${k}`)!;
      assert.deepEqual(
        line.x,
        rows.map((row) => row.op),
      );
      assert.deepEqual(
        line.y,
        rows.map((row) => row.value),
      );
      const band = bands(figure).find(({ name }) => name === `pass@${k}`)!;
      assert.deepEqual(band.x, [...rows.map((row) => row.op), ...rows.map((row) => row.op).reverse()]);
      assert.deepEqual(band.y, [...rows.map((row) => row.high), ...rows.map((row) => row.low).reverse()]);
    }
    assert.match(
      captionOf(figure),
      /Judged by: verified\. Shaded: 95 % .*intervals.*n = 60 problems per op\./,
    );
    checkSvg(figure);
    matchesGallery('pass_at_k_by_op', figure.svg);
  });

  it('is the same from an arquero table, and in any row order', () => {
    const svg = passAtKByOp(byOp).svg;
    assert.equal(passAtKByOp(from(byOp)).svg, svg);
    assert.equal(passAtKByOp(byOp.toReversed()).svg, svg);
  });

  it('pass@k against k: a log₂ axis, a line per range', () => {
    const figure = passAtKCurve(byRange, { title: 'pass@k by range' });
    assert.deepEqual(
      lines(figure).map(({ name }) => name),
      ['op 2–4 (trained)', 'op 5–6 (edge)', 'op 7–8 (hard)'],
    );
    assert.deepEqual(
      lines(figure)[1]!.y,
      byRange.filter((row) => row.range.includes('edge')).map((row) => row.value),
    );
    const axis = figure.layout.xaxis!;
    assert.equal(axis.type, 'log');
    assert.deepEqual(axis.ticktext, ['1', '2', '4', '8', '16', '32', '64', '128']);
    // Doublings of k are equally far apart in the drawing.
    const root = parseXml(figure.svg);
    const xs = select(byClass(root, 'x')[0]!, ({ attributes }) => attributes.class === 'tick').map((tick) =>
      numberOf(tick, 'x'),
    );
    const steps = xs.slice(1).map((x, i) => x - xs[i]!);
    for (const step of steps) assert.ok(Math.abs(step - steps[0]!) < 0.03, String(steps));
    checkSvg(figure);
    matchesGallery('pass_at_k', figure.svg);
  });

  it('leaves gaps where pass@k is undefined, and bars where intervals are incomplete', () => {
    const figure = passAtKByOp([
      { op: 2, k: 8, value: 0.9, low: 0.8, high: 0.95 },
      { op: 3, k: 8, value: Number.NaN, low: Number.NaN, high: Number.NaN },
      { op: 4, k: 8, value: 0.4, low: null, high: null },
    ]);
    const [line] = lines(figure);
    assert.deepEqual(line!.y, [0.9, null, 0.4]);
    assert.equal(bands(figure).length, 0);
    assert.ok(Math.abs(line!.error_y!.array[0]! - 0.05) < 1e-12);
    assert.ok(Math.abs(line!.error_y!.arrayminus[0]! - 0.1) < 1e-12);
    assert.deepEqual(line!.error_y!.array.slice(1), [0, 0]);
    const path = byClass(parseXml(figure.svg), 'line').find((node) => node.attributes.d!.includes('M'))!;
    assert.equal(path.attributes.d!.match(/M/g)!.length, 2, 'two separate points');
    checkSvg(figure);
  });

  it('draws 19 ops in one ordered ramp', () => {
    const rows = Array.from({ length: 19 }, (_, i) => i + 2).flatMap((op) =>
      [1, 2, 4].map((k) => ({ op, k, value: k / (op + 4) })),
    );
    const figure = passAtKCurve(rows);
    assert.equal(new Set(lines(figure).map(({ line }) => line!.color)).size, 19);
    checkSvg(figure);
  });

  it('refuses frames that it cannot draw, and says what it needs', () => {
    assert.throws(() => passAtKByOp([]), { code: 'FIGURE_EMPTY' });
    assert.throws(() => passAtKByOp([{ op: 2, k: 1 }]), {
      code: 'FIGURE_COLUMN',
      message: /without "value".*op, k/,
    });
    assert.throws(() => passAtKByOp([{ op: 2, k: 1, value: 'high' }]), { code: 'FIGURE_COLUMN' });
    assert.throws(() => passAtKByOp([...byOp, byOp[0]!]), {
      code: 'FIGURE_AMBIGUOUS',
      message: /k = 1, op = 2/,
    });
    assert.throws(() => passAtKByOp(byOp, { verifier: 'nobody' }), { code: 'FIGURE_VERIFIER' });
    assert.throws(() => passAtKByOp(byOp, { ks: [3] }), { code: 'FIGURE_EMPTY' });
    assert.throws(() => passAtKByOp([1] as never), { code: 'FIGURE_FRAME' });
    assert.throws(() => trainingCurve([{ step: 1 }]), { code: 'FIGURE_EMPTY' });
  });

  it('takes the strict verifier when there are several', () => {
    const rows = byOp.flatMap((row) => [row, { ...row, verifier: 'answer', value: 1 }]);
    assert.deepEqual(lines(passAtKByOp(rows))[0]!.y, lines(passAtKByOp(byOp))[0]!.y);
    assert.deepEqual(new Set(lines(passAtKByOp(rows, { verifier: 'answer' }))[0]!.y), new Set([1]));
  });

  it('error types: a panel per kind, bars and whiskers with the frame’s numbers', () => {
    const figure = errorTypes(errors, { title: 'How answers fail' });
    assert.equal(figure.data.length, 7);
    const bars = figure.data as BarTrace[];
    const values = errors.filter((row) => row.type === 'value_mismatch');
    const trace = bars.find(({ name }) => name === 'value_mismatch')!;
    assert.deepEqual(trace.x, ['2', '3', '4', '5', '6', '7', '8']);
    assert.deepEqual(
      trace.y,
      values.map(({ share }) => share),
    );
    assert.deepEqual(
      trace.error_y!.array,
      values.map(({ share, high }) => high - share),
    );
    assert.deepEqual(
      figure.layout.annotations.map(({ text }) => text).filter((text) => /^<b>[a-z]/.test(text)),
      [
        'correct',
        'missing nodes',
        'wrong parents',
        'wrong value',
        'extra nodes',
        'wrong answer',
        'not parsed',
      ].map((text) => `<b>${text}</b>`),
    );
    assert.match(captionOf(figure), /n = 60 problems \(960 samples\) per op/);
    // Drawn heights are in the ratio of the shares: the same scale in all panels.
    const root = parseXml(figure.svg);
    const heights = byClass(root, 'series').map((series) =>
      byClass(series, 'bar').map((bar) => numberOf(bar, 'height')),
    );
    const scale = heights[0]![0]! / bars[0]!.y[0]!;
    for (const [i, bar] of bars.entries()) {
      for (const [j, height] of heights[i]!.entries()) {
        // Two decimals in the file.
        assert.ok(Math.abs(height - bar.y[j]! * scale) < 0.02, `${bar.name} ${j}`);
      }
    }
    checkSvg(figure);
    matchesGallery('error_types', figure.svg);
  });

  it('error types of two runs side by side', () => {
    const rows = ['base', 'RL'].flatMap((run) =>
      errors
        .filter(({ type }) => type !== 'unparsed')
        .map((row) => ({
          ...row,
          run,
          share: run === 'RL' ? row.share / 2 : row.share,
          low: null,
          high: null,
        })),
    );
    const figure = errorTypes(rows, { by: 'run', types: ['missing_nodes', 'value_mismatch'] });
    assert.equal(figure.data.length, 4);
    assert.deepEqual(
      figure.data.filter(({ showlegend }) => showlegend).map(({ name }) => name),
      ['base', 'RL'],
    );
    const bars = byClass(parseXml(figure.svg), 'bar');
    assert.equal(bars.length, 2 * 2 * 7);
    checkSvg(figure);
  });

  it('training: means of many steps, held-out loss as it was measured', () => {
    const figure = trainingCurve(training, { title: 'Pre-training', learningRate: true });
    const held = lines(figure).find(({ name }) => name === 'held-out loss')!;
    const measured = training.filter((row) => row.validation_loss !== undefined);
    assert.deepEqual(
      held.x,
      measured.map((row) => row.tokens),
    );
    assert.deepEqual(
      held.y,
      measured.map((row) => row.validation_loss),
    );
    const loss = lines(figure).find(({ name }) => name === 'training loss')!;
    assert.equal(loss.x.length, 400);
    const mean = (training[0]!.loss + training[1]!.loss + training[2]!.loss) / 3;
    assert.ok(Math.abs((loss.y[0] as number) - mean) < 1e-12);
    assert.match(captionOf(figure), /means of 3 steps/);
    checkSvg(figure);
    matchesGallery('training_curve', figure.svg);
    const few = trainingCurve(training.slice(0, 50), { x: 'step', scale: 'log' });
    assert.deepEqual(
      lines(few)[0]!.y,
      training.slice(0, 50).map((row) => row.loss),
    );
    checkSvg(few);
  });

  it('losses of several runs: a line each, a panel per kind of problem, in the order of tokens', () => {
    const rows = ['A', 'B'].flatMap((context, c) =>
      ['0 %', '1 %', '10 %'].flatMap((exposure, e) =>
        [400_000, 100_000, 200_000].map((tokens) => ({
          context,
          exposure,
          tokens,
          value: 2.5 - tokens / 400_000 + c / (e + 1),
        })),
      ),
    );
    const figure = lossCurves(rows, {
      by: 'exposure',
      panels: 'context',
      ordered: true,
      title: 'Held-out loss by exposure',
    });
    const drawn = lines(figure);
    assert.deepEqual(
      drawn.map(({ name, xaxis, showlegend }) => [name, xaxis, showlegend]),
      [
        ['0 %', 'x', true],
        ['1 %', 'x', true],
        ['10 %', 'x', true],
        ['0 %', 'x2', false],
        ['1 %', 'x2', false],
        ['10 %', 'x2', false],
      ],
    );
    assert.deepEqual(drawn[4]!.x, [100_000, 200_000, 400_000]);
    assert.deepEqual(drawn[4]!.y, [2.75, 2.5, 2]);
    checkSvg(figure);
    matchesGallery('loss_curves', figure.svg);
    const single = lossCurves([{ run: 'x', tokens: 1, value: 2 }]);
    assert.equal(lines(single).length, 1);
    checkSvg(single);
    assert.throws(() => lossCurves([{ tokens: 1, value: 2 }]), { code: 'FIGURE_COLUMN' });
    assert.match(
      lossCurves([{ run: 'x', tokens: 1, value: 2 }], { loss: 'training' }).svg,
      />Training loss</,
    );
  });

  it('escape what users call things', () => {
    const rows = byRange.map((row) => ({ ...row, range: row.range.replace('op', '<b>&"op') }));
    const figure = passAtKCurve(rows, { title: '<script>alert(1)</script> & "quotes"', caption: 'a < b' });
    checkSvg(figure);
    const texts = select(parseXml(figure.svg), ({ name }) => name === 'text').map(({ text }) => text);
    assert.ok(texts.includes('<script>alert(1)</script> & "quotes"'), texts.join('|'));
    assert.ok(texts.includes('<b>&"op 2–4 (trained)'), texts.join('|'));
  });

  it('are specifications that plotly’s own types accept', () => {
    const figure = errorTypes(errors);
    const data: Data[] = figure.data;
    // Axes are looked at apart: plotly's types list their names one by one up to 888, ours are strings.
    const { anchor: _anchor, matches: _matches, ...axis } = figure.layout.xaxis!;
    const axisOfPlotly: Partial<LayoutAxis> = axis;
    const { xref: _x, yref: _y, ...note } = figure.layout.annotations[0]!;
    const noteOfPlotly: Partial<Annotation> = note;
    assert.ok(noteOfPlotly.text !== undefined, 'a caption');
    type Shared = 'width' | 'height' | 'margin' | 'font' | 'hovermode' | 'showlegend' | 'barmode';
    const layout: Partial<Pick<Layout, Shared>> = figure.layout;
    assert.ok(axisOfPlotly.type === 'category' && layout.barmode === 'group');
    assert.deepEqual(
      JSON.parse(JSON.stringify(figure)),
      JSON.parse(JSON.stringify({ data, layout: figure.layout })),
    );
  });

  it('refuses traces that only plotly can draw', () => {
    const figure = passAtKByOp(byOp);
    figure.data.push({ type: 'violin' } as never);
    assert.throws(() => figure.svg, { code: 'FIGURE_UNSUPPORTED', message: /got violin/ });
  });

  it('have their rows as a text table', () => {
    assert.equal(
      passAtKByOp([{ op: 2, k: 1, value: 0.51234567 }]).text,
      ['pass@k', 'op  k   value', ' 2  1  0.5123'].join('\n'),
    );
    const lines = passAtKCurve(byRange).text.split('\n');
    assert.equal(lines.length, 24 + 2);
    const long = passAtKCurve(Array.from({ length: 30 }, (_, i) => ({ op: 2, k: i + 1, value: 0.5 }))).text;
    assert.match(long, /… 6 more rows$/);
  });
});

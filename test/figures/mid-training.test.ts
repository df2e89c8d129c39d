import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { difficultyRows, runRows } from '../../src/analysis/index.ts';
import {
  entropyHistograms,
  type Figure,
  histograms,
  nextTokenAccuracies,
  runCurves,
  thoughtLengths,
} from '../../src/figures/index.ts';
import type { BarTrace, LineTrace } from '../../src/figures/types.ts';
import { checkSvg } from './checkSvg.ts';
import { matchesGallery } from './gallery.ts';

// Made up, with the shape of real results.
const METHODS = ['continued', 'TPT', 'ReMiT', 'RPT', 'RMT', 'RLP'];
const round = (value: number) => Math.round(value * 1e4) / 1e4;

const accuracies = METHODS.flatMap((run, m) =>
  (['hard', 'easy', 'all', 'medium'] as const).flatMap((difficulty) =>
    (['plain', 'thinking'] as const).map((prediction) => {
      const base = { easy: 0.93, medium: 0.62, hard: 0.31, all: 0.62 }[difficulty];
      const value = round(
        base + (prediction === 'plain' ? 0.01 * m : m < 2 ? -0.2 : 0.03 * m - 0.05) * (1 - base),
      );
      const half = difficulty === 'all' ? 0.03 : 0.05;
      const n = difficulty === 'all' ? 600 : 200;
      return {
        run,
        difficulty,
        prediction,
        value,
        low: round(value - half),
        high: round(Math.min(1, value + half)),
        n,
      };
    }),
  ),
);

const entropies = ['base', 'RMT', 'RLP'].flatMap((run, r) =>
  Array.from({ length: 30 }, (_, bin) => {
    const weight = (at: number) =>
      Math.exp(-at / (0.35 - 0.06 * r)) + 0.06 * Math.exp(-(((at - 1.6) / 0.5) ** 2));
    const bins = Array.from({ length: 30 }, (_one, b) => weight((b + 0.5) * 0.2));
    const share = round(bins[bin]! / bins.reduce((sum, one) => sum + one, 0));
    const half = 0.1 * share + 0.001;
    return {
      run,
      bin_low: round(bin * 0.2),
      bin_high: round((bin + 1) * 0.2),
      share,
      low: Math.max(0, round(share - half)),
      high: round(share + half),
      samples: Math.round(share * 20_000),
    };
  }),
);
const EDGES = [
  { at: 0.3, label: 'medium' },
  { at: 1.1, label: 'hard' },
];

const lengths = ['RMT', 'RPT', 'RLP'].flatMap((run, r) =>
  Array.from({ length: 60 }, (_, step) => {
    const budget = Math.floor(64 * 0.2 ** (step / 60));
    const wobble = (((step * 37 + r * 11) % 101) / 101 - 0.5) * 4;
    const own = r === 0 ? 0.75 * budget + 6 : 40 + (r === 1 ? 0.3 : -0.2) * step;
    return {
      run,
      step: step + 1,
      thought_length: round(own + wobble),
      ...(r === 0 ? { thinking_budget: budget } : {}),
      n: 1024,
    };
  }),
);

const bars = (figure: Figure) => figure.data.filter((trace): trace is BarTrace => trace.type === 'bar');
const lines = (figure: Figure) =>
  figure.data.filter((trace): trace is LineTrace => trace.type === 'scatter' && trace.fill === undefined);
const areas = (figure: Figure) =>
  figure.data.filter((trace): trace is LineTrace => trace.type === 'scatter' && trace.fill === 'toself');

describe('figures of reinforcement mid-training', () => {
  const drawn: Record<string, () => Figure> = {
    next_token_accuracy: () => nextTokenAccuracies(accuracies),
    entropy_histogram: () => entropyHistograms(entropies, { marks: EDGES }),
    thought_length: () => thoughtLengths(lengths),
  };
  for (const [name, draw] of Object.entries(drawn)) {
    it(`${name}: nothing overlaps, n and intervals are said, and it looks as it did`, () => {
      const figure = draw();
      checkSvg(figure);
      assert.match(figure.caption, /n\u00a0=\u00a0\d[\d–]* (tokens|responses)/, 'n in the caption');
      matchesGallery(name, figure.svg);
    });
  }

  it('accuracy: buckets from easy to hard whatever their order, panels at once and after thinking', () => {
    const figure = nextTokenAccuracies(accuracies);
    assert.match(
      figure.caption,
      /Whiskers: 95 % bootstrap intervals over texts\. n\u00a0=\u00a0200–600 tokens per bar/,
    );
    const titles = figure.layout.annotations.map(({ text }) => text);
    assert.ok(titles.includes('<b>at once</b>') && titles.includes('<b>after thinking</b>'), titles.join());
    assert.equal(bars(figure).length, 2 * METHODS.length);
    for (const bar of bars(figure)) {
      assert.deepEqual(bar.x, ['easy', 'medium', 'hard', 'all']);
      const own = accuracies.filter(
        ({ run, prediction }) =>
          run === bar.name &&
          prediction === (bar.yaxis === 'y' || bar.yaxis === undefined ? 'plain' : 'thinking'),
      );
      assert.deepEqual(
        bar.y,
        bar.x.map((bucket) => own.find(({ difficulty }) => difficulty === bucket)!.value),
      );
    }
  });

  it('accuracy: a run without thinking has no bar there; the column of runs can have another name', () => {
    const rows = accuracies
      .filter(({ run, prediction }) => run !== 'TPT' || prediction === 'plain')
      .map(({ run, ...row }) => ({ method: run, ...row }));
    const figure = nextTokenAccuracies(rows, { by: 'method', where: { difficulty: ['easy', 'hard'] } });
    const missing = bars(figure).filter(({ name }) => name === 'TPT')[1]!;
    assert.deepEqual(missing.y, [null]);
    assert.throws(() => nextTokenAccuracies(rows), { code: 'FIGURE_COLUMN', message: /"run"/ });
  });

  it('entropies: steps with shaded intervals, and a dotted line with its name at each edge', () => {
    const figure = entropyHistograms(entropies, { marks: EDGES });
    const [first, second, ...curves] = lines(figure);
    assert.deepEqual(
      [first!.x, second!.x],
      [
        [0.3, 0.3],
        [1.1, 1.1],
      ],
    );
    assert.equal(first!.line!.dash, 'dot');
    assert.deepEqual(
      curves.map(({ name }) => name),
      ['base', 'RMT', 'RLP'],
    );
    assert.equal(areas(figure).length, 3);
    const own = entropies.filter(({ run }) => run === 'RMT');
    assert.deepEqual(curves[1]!.y.slice(0, 4), [own[0]!.share, own[0]!.share, own[1]!.share, own[1]!.share]);
    assert.deepEqual(areas(figure)[1]!.y.slice(0, 2), [own[0]!.high, own[0]!.high]);
    const labels = figure.layout.annotations.filter(({ xref }) => xref === 'x');
    assert.deepEqual(
      labels.map(({ text, x }) => [text, x]),
      [
        ['medium', 0.3],
        ['hard', 1.1],
      ],
    );
    assert.match(figure.caption, /Shaded: 95 % intervals/);
  });

  it('entropies: token by token, and on a linear axis', () => {
    const tokens = [0.1, 0.2, 0.2, 1.9, 2].map((entropy) => ({ run: 'x', entropy }));
    const figure = entropyHistograms(tokens, {
      bins: 2,
      scale: 'linear',
      marks: [{ at: 1.9, label: 'hard' }],
    });
    checkSvg(figure);
    assert.deepEqual(lines(figure)[1]!.y, [0.6, 0.6, 0.4, 0.4]);
    assert.equal(figure.layout.annotations.find(({ text }) => text === 'hard')!.xanchor, 'right');
    const without = histograms(tokens.map((row) => ({ similarity: row.entropy / 2 })));
    assert.equal(areas(without).length, 0);
  });

  it('lengths: the budget as a thin dotted line in the colour of its run', () => {
    const figure = thoughtLengths(lengths);
    const [budget, rmt] = lines(figure);
    assert.deepEqual([budget!.line!.dash, budget!.showlegend], ['dot', false]);
    assert.equal(budget!.line!.color, rmt!.line!.color);
    const own = lengths.filter(({ run }) => run === 'RMT');
    assert.deepEqual(
      budget!.y,
      own.map(({ thinking_budget: value }) => value!),
    );
    assert.deepEqual(
      rmt!.y,
      own.map(({ thought_length: value }) => value),
    );
    assert.equal(lines(figure).length, 4, 'three runs and one budget');
    assert.match(figure.caption, /Thin dotted lines: thinking budget/);
    assert.ok(figure.layout.yaxis!.range[1] >= 64, 'the budget is on the page');
    const byCompute = lengths.map((row) => ({ ...row, token_equivalents: 5000 * row.step }));
    const other = runCurves(byCompute, { metrics: ['thought_length'], x: 'token_equivalents' });
    assert.equal(other.layout.xaxis!.title!.text, 'token equivalents');
  });

  describe('from run folders', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'interplay-'));
      for (const [name, lines] of Object.entries({
        rmt: [
          { step: 0, validation_accuracy_plain: 0.1 },
          { step: 1, positions: 6, thought_length: 5, thinking_budget: 8 },
          {
            step: 1,
            validation_accuracy_plain: 0.5,
            validation_accuracy_plain_low: 0.4,
            validation_accuracy_plain_high: 0.6,
            validation_accuracy_thinking: 0.7,
            validation_tokens: 9,
            validation_accuracy_plain_hard: 0.25,
            validation_accuracy_plain_hard_low: 0.125,
            validation_accuracy_plain_hard_high: 0.5,
            validation_tokens_hard: 3,
          },
        ],
        other: [{ step: 1, loss: 2 }],
      })) {
        mkdirSync(join(folder, name));
        writeFileSync(
          join(folder, name, 'metrics.jsonl'),
          lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
        );
        writeFileSync(join(folder, name, 'config.json'), JSON.stringify({ group_size: 3 }));
      }
    });
    after(() => rmSync(folder, { recursive: true }));

    it('accuracies are those of the last validation', () => {
      const common = { run: 'rmt', step: 1 };
      assert.deepEqual(difficultyRows([join(folder, 'rmt')]), [
        { ...common, difficulty: 'hard', prediction: 'plain', value: 0.25, low: 0.125, high: 0.5, n: 3 },
        { ...common, difficulty: 'all', prediction: 'plain', value: 0.5, low: 0.4, high: 0.6, n: 9 },
        {
          ...common,
          difficulty: 'all',
          prediction: 'thinking',
          value: 0.7,
          low: Number.NaN,
          high: Number.NaN,
          n: 9,
        },
      ]);
      assert.throws(() => difficultyRows([join(folder, 'other')]), {
        code: 'FIGURE_EMPTY',
        message: /other/,
      });
      assert.throws(() => difficultyRows([folder]), { code: 'INPUT_UNREADABLE' });
    });

    it('lengths have the number of responses', () => {
      const [, line] = runRows([join(folder, 'rmt')]);
      assert.equal(line!.n, 18);
    });
  });
});

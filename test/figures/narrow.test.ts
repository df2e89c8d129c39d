/** Figures drawn at the width they are printed at: in a column of a page with two, and over the page. */
import assert from 'node:assert/strict';
import {
  bars,
  type Figure,
  figure4,
  figure9,
  figure10,
  passAtKCurve,
  pixels,
  runCurves,
} from '../../src/figures/index.ts';
import { checkSvg } from './checkSvg.ts';
import { paperFigures } from './paper-figures.ts';
import { alongTraining } from './paper-rows.ts';

/** Px of the panels of a figure. */
function panelWidths({ layout }: Figure): number[] {
  const plot = layout.width - layout.margin.l - layout.margin.r;
  return Object.entries(layout)
    .filter(([name]) => /^xaxis\d*$/.test(name))
    .map(([, axis]) => {
      const [low, high] = (axis as { domain: [number, number] }).domain;
      return (high - low) * plot;
    });
}

const inColumn = [1, 3, 4, 5, 6, 7, 10, 12, 15].map((number) => `figure_${number}`);
const overThePage = [...inColumn, ...[8, 9, 17, 18].map((number) => `figure_${number}`)];

describe('figures at the width they are printed at', () => {
  for (const name of inColumn) {
    it(`${name} in a column: panels have room, nothing overlaps`, () => {
      const figure = paperFigures[name]!({ width: pixels('column') });
      checkSvg(figure);
      for (const px of panelWidths(figure)) assert.ok(px >= 85, `a panel of ${px} px`);
    });
  }
  for (const name of overThePage) {
    it(`${name} over the page`, () => {
      const figure = paperFigures[name]!({ width: pixels('textwidth') });
      checkSvg(figure);
      for (const px of panelWidths(figure)) assert.ok(px >= 80, `a panel of ${px} px`);
    });
  }

  it('panels one below the other keep the numbers of x axes that differ', () => {
    const rows = [11, 12, 13].flatMap((op) => [
      { range: 'a', op, k: 1, value: 0.4, name: 'x' },
      { range: 'b', op: op + 4, k: 1, value: 0.2, name: 'x' },
    ]);
    const figure = figure4(rows, { width: 200, by: 'name', panels: 'range', ks: [1] });
    const { xaxis, xaxis2 } = figure.layout;
    assert.notEqual(xaxis!.showticklabels, false);
    assert.notEqual(xaxis2!.showticklabels, false);
    assert.deepEqual(xaxis!.domain, xaxis2!.domain);
    checkSvg(figure);
  });

  it('a legend of names longer than the page is cut to it', () => {
    const name = 'a run with a very long name '.repeat(6);
    const rows = [1, 2].flatMap((k) => ['1', '2'].map((n) => ({ run: name + n, range: 'r', k, value: 0.5 })));
    checkSvg(passAtKCurve(rows, { by: 'run' }));
    checkSvg(passAtKCurve(rows, { by: 'run', width: 312 }));
  });

  it('a grid that its width has no room for is refused, with the width that it needs', () => {
    assert.throws(() => figure9(alongTraining, { width: 200 }), { code: 'FIGURE_WIDTH' });
  });

  it('a bar that a panel lacks leaves its place empty, and the others their numbers', () => {
    const rows = ['p', 'q'].flatMap((panel) =>
      ['a', 'b', 'c'].map((run, i) => ({ panel, run, value: 0.2 + 0.1 * i, n: 5 })),
    );
    const whole = bars(rows, { by: 'run', panels: 'panel', numbers: 'value' });
    const holed = bars(
      rows.filter(({ panel, run }) => panel === 'p' || run !== 'b'),
      { by: 'run', panels: 'panel', numbers: 'value' },
    );
    const lefts = (figure: Figure) => [...figure.svg.matchAll(/class="bar" x="([\d.]+)"/g)].map(([, x]) => x);
    assert.deepEqual(lefts(holed), lefts(whole).toSpliced(4, 1));
  });

  it('negative bars and numbers of many digits stay on the page', () => {
    const heights = { a: 0.2, b: -0.3, c: 0.1 };
    checkSvg(
      bars(
        Object.entries(heights).map(([run, value]) => ({ run, value })),
        { by: 'run' },
      ),
    );
    for (const size of [1e5, 1e9, 1e30]) {
      checkSvg(runCurves([1, 2, 3].map((step) => ({ run: 'a', step, reward: size * step }))));
    }
  });

  it('per cent where shares are drawn is refused', () => {
    const rows = [1, 2].map((k) => ({ run: 'a', range: 'id', k, value: 50 }));
    const refusal = { code: 'FIGURE_COLUMN', message: /shares of 0 to 1 in "value", got 50/ };
    assert.throws(() => passAtKCurve(rows), refusal);
    assert.throws(() => bars(rows, { by: 'k' }), refusal);
  });

  it('boxes that no cell has are not spoken of', () => {
    const rows = [2, 3].map((op) => ({ run: 'a', op, value: 0.1 * op, trained: false }));
    assert.doesNotMatch(figure10(rows).caption, /boxes/);
  });
});

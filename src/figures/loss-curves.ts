/** Losses of several runs: a line per run, a panel per kind of problem. */
import { Figure } from './figure.ts';
import { distinct, type Frame, numberIn, rowsWith } from './frame.ts';
import { type AxisRequest, arrangePanels, type FrameOptions } from './layout.ts';
import type { LossKind } from './loss-rows.ts';
import { sentence } from './sentence.ts';
import { lineTraces } from './series.ts';
import { seriesColours } from './style.ts';

export interface LossCurvesOptions extends FrameOptions {
  /** Column that a line stands for (default `run`). */
  by?: string;
  /** Column that a panel stands for; without it there is one panel. */
  panels?: string;
  /** What the values are, for the titles (default `held-out`). */
  loss?: LossKind;
  /** Whether the lines are an ordered series, which then have shades of one colour (default false). */
  ordered?: boolean;
}

/**
 * Loss (nats per token) against training tokens. `frame`: rows {tokens, value, run or `by`, `panels`?}, such as
 * `lossRows` gives them; lines and panels come in the order of the rows.
 */
export function lossCurves(frame: Frame, options: LossCurvesOptions = {}): Figure {
  const { by = 'run', panels: panelColumn, loss = 'held-out' } = options;
  const columns = panelColumn === undefined ? [] : [panelColumn];
  const rows = rowsWith(frame, 'lossCurves', ['tokens', 'value', by, ...columns]);
  const names = distinct(rows, by).map(String);
  const colours = seriesColours(names.length, options.ordered);
  const panels = panelColumn === undefined ? [undefined] : distinct(rows, panelColumn);
  const highest = (column: string) =>
    rows
      .map((row) => numberIn(row, column))
      .filter(Number.isFinite)
      .reduce((most, value) => Math.max(most, value), 0);
  const x: AxisRequest = {
    title: 'training tokens',
    type: 'linear',
    range: [0, highest('tokens') * 1.03],
    tickformat: '~s',
    showgrid: false,
  };
  const y: AxisRequest = {
    title: `${loss} loss (nats per token)`,
    type: 'linear',
    range: [0, highest('value') * 1.05],
  };
  const data = panels.flatMap((panel, p) => {
    const suffix = p === 0 ? '' : p + 1;
    const inPanel = panelColumn === undefined ? rows : rows.filter((row) => row[panelColumn] === panel);
    return names.flatMap((name, index) =>
      lineTraces(
        {
          name,
          index,
          colour: colours[index]!,
          rows: inPanel
            .filter((row) => String(row[by]) === name)
            .toSorted((a, b) => numberIn(a, 'tokens') - numberIn(b, 'tokens')),
        },
        'tokens',
        'none',
        '%{x:,} tokens: %{y:.4f}<extra>%{fullData.name}</extra>',
        { xaxis: `x${suffix}`, yaxis: `y${suffix}` },
      ).map((trace) => ({ ...trace, showlegend: p === 0 })),
    );
  });
  const layout = arrangePanels(
    panels.map((panel) => (panel === undefined ? { x, y } : { title: String(panel), x, y })),
    { ...options, columns: 2, caption: sentence([options.caption]), legend: { title: by, names } },
  );
  return new Figure(
    { data, layout },
    options.title ?? (loss === 'training' ? 'Training loss' : 'Held-out loss'),
    rows,
    options.selfContained,
  );
}

/** Sweeps: pass@k along training, and over ways to spend a budget. */
import { Figure } from './figure.ts';
import { countText, distinct, type Frame, numberIn, type Row, selectRows } from './frame.ts';
import type { AxisRequest } from './layout.ts';
import { drawLines, intervalSentence, type LineOptions } from './lines.ts';
import { gridOf, multiplesOf, nameOf, partition } from './multiples.ts';
import type { PassAtKOptions } from './pass-at-k.ts';
import { sentence } from './sentence.ts';

export interface DynamicsOptions extends PassAtKOptions {
  /** What the horizontal axis counts (default `step`). */
  x?: 'step' | 'tokens';
}

/**
 * pass@k along training, a line per k in shades from k = 1 to the largest: a row of panels for ranges, below it rows for
 * single ops. `frame`: rows {step, k, value, low?, high?, n?, verifier?} with a `range` or an `op`, as `dynamicsFrame`
 * gives them.
 */
export function dynamics(frame: Frame, options: DynamicsOptions = {}): Figure {
  const { x = 'step', labels } = options;
  const { rows, verifier } = selectRows(frame, 'dynamics', [x, 'k', 'value'], options);
  const panelsBy = (column: string) => {
    const own = rows.filter((row) => row[column] !== undefined && row[column] !== null);
    const parts = partition(own, column);
    return distinct(own, column).map((value) => ({
      title: nameOf(column, value, labels),
      rows: parts.get(String(value))!,
    }));
  };
  const ranges = panelsBy('range');
  const ops = panelsBy('op');
  const width = Math.min(options.columns ?? 4, Math.max(ranges.length, ops.length, 1));
  const lines = [...inRows(ranges, width), ...inRows(ops, width)];
  const steps = distinct(rows, x).map(Number);
  const [first, last] = [steps[0]!, steps.at(-1)!];
  const pad = Math.max((last - first) * 0.06, 0.5);
  const xAxis: AxisRequest = {
    title: x === 'step' ? 'training step' : 'training tokens',
    type: 'linear',
    range: [first - pad, last + pad],
    tickformat: '~s',
    showgrid: false,
  };
  const spec = drawLines(
    rows,
    {
      multiples: gridOf(lines.length > 0 ? lines : [[{ rows }]]),
      x,
      xAxis: () => xAxis,
      yTitle: 'pass@k',
      by: 'k',
      legend: 'Samples',
      hover: '%{x:,}<br>%{fullData.name} = %{y:.3f}<extra></extra>',
    },
    { ordered: true, panelHeight: 130, ...options },
    (traces) => captionOf(traces, rows, verifier, options),
  );
  return new Figure(spec, options.title ?? 'Training dynamics', rows, options.selfContained);
}

function inRows<T>(items: readonly T[], width: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / width) }, (_, row) =>
    items.slice(row * width, (row + 1) * width),
  );
}

export interface BudgetGridOptions extends PassAtKOptions {
  /** Column of the budgets, a row of panels each (default `budget`, in tokens). */
  budget?: string;
  /** Column of the share of RL (default `rl_share`, in [0, 1]). */
  share?: string;
}

/**
 * pass@k against the share of a budget that RL gets: a row of panels per budget, a column per k and range. `frame`: rows
 * {budget, rl_share, range, k, value, low?, high?, n?, verifier?}. Panels of a column share their y axis, so that budgets
 * can be compared.
 */
export function budgetGrid(frame: Frame, options: BudgetGridOptions = {}): Figure {
  const { budget = 'budget', share = 'rl_share', labels } = options;
  const { rows, verifier } = selectRows(frame, 'budgetGrid', [budget, share, 'range', 'k', 'value'], options);
  const measured = rows
    .map((row): Row => ({ ...row, measure: `pass@${row.k}, ${nameOf('range', row.range, labels)}` }))
    .toSorted((a, b) => numberIn(a, 'k') - numberIn(b, 'k'));
  const budgets = Object.fromEntries(
    distinct(rows, budget).map((value) => [String(value), budgetName(value)]),
  );
  const shares = distinct(rows, share).map(Number);
  const xAxis: AxisRequest = {
    title: 'share of RL in the budget (%)',
    type: 'linear',
    range: [-0.07, 1.07],
    tickmode: 'array',
    tickvals: shares,
    ticktext: shares.map((value) => String(Math.round(value * 100))),
    showgrid: false,
  };
  const lineOptions: LineOptions = {
    y: 'column',
    panelHeight: 92,
    interval: 'bars',
    ...options,
    labels: { ...budgets, ...labels },
  };
  const spec = drawLines(
    measured,
    {
      multiples: multiplesOf(measured, [budget, 'measure'], lineOptions),
      x: share,
      xAxis: () => xAxis,
      yTitle: 'budget',
      by: undefined,
      hover: '%{x:.0%} RL: %{y:.3f}<extra></extra>',
    },
    { ...lineOptions, panels: [budget, 'measure'] },
    (traces) => captionOf(traces, rows, verifier, options),
  );
  return new Figure(spec, options.title ?? 'How to spend a budget', rows, options.selfContained);
}

/** 1048576000 as `1.0 B`. */
export function budgetName(tokens: number | string): string {
  if (typeof tokens !== 'number') return tokens;
  const [size, letter] = tokens >= 1e9 ? [1e9, 'B'] : tokens >= 1e6 ? [1e6, 'M'] : [1e3, 'k'];
  return `${(tokens / size).toFixed(1)} ${letter}`;
}

function captionOf(
  traces: Parameters<typeof intervalSentence>[0],
  rows: readonly Row[],
  verifier: string | undefined,
  options: PassAtKOptions,
): string {
  return sentence([
    options.caption,
    verifier === undefined ? undefined : `Judged by: ${verifier.replaceAll('_', ' ')}`,
    intervalSentence(traces, options.intervalText),
    countText(rows, 'panel'),
  ]);
}

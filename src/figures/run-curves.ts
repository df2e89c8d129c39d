/** How runs of reinforcement learning went: a row per measure (reward, response length), a column per recipe. */
import { userError } from '../core/errors.ts';
import { type Curve, curveOf, curveRows, curveTraces, extent, type Thinned, thin } from './curve.ts';
import { Figure } from './figure.ts';
import { type Columns, columnsWith, countsText, type Frame, numericReader } from './frame.ts';
import { type AxisRequest, arrangePanels, type FrameOptions, type PanelRequest } from './layout.ts';
import { capital, type Labels, nameOf } from './multiples.ts';
import { sentence } from './sentence.ts';
import { DASHES, seriesColours, translucent } from './style.ts';
import { niceStep } from './svg/scale.ts';
import type { LineTrace } from './types.ts';

export interface RunCurvesOptions extends FrameOptions {
  /** Columns to draw, a row of panels each (default `reward`, `response_length`: those that the frame has). */
  metrics?: readonly string[];
  /** Column whose values are columns of panels (default `run`); null puts all lines into one. */
  panels?: string | null;
  /** Column that a line stands for, such as `seed` (default none with panels, else `run`). */
  by?: string;
  /** What the horizontal axis counts (default `step`). */
  x?: 'step' | 'tokens' | 'token_equivalents';
  /** By metric: a column that is drawn beside it as a thin dotted line, such as the budget of a length. */
  beside?: Readonly<Record<string, string>>;
  labels?: Labels;
  panelHeight?: number;
}

/** Titles of known measures, with their units. */
const TITLES: Readonly<Record<string, string>> = {
  reward: 'mean reward',
  response_length: 'response length (tokens)',
  pass_rate: 'verified responses',
  answer_rate: 'right answers',
  hacked: 'hacked responses',
  kl: 'KL (nats per token)',
  entropy: 'entropy (nats)',
  gradient_norm: 'gradient norm',
  validation_pass_at_1: 'held-out pass@1',
  thought_length: 'thought length (tokens)',
  match: 'right predictions',
  validation_loss: 'held-out loss (nats)',
  validation_accuracy_plain: 'accuracy at once',
  validation_accuracy_thinking: 'accuracy after thinking',
};

const X_TITLES = { step: 'RL step', tokens: 'new tokens', token_equivalents: 'token equivalents' } as const;

/** A line of one panel: its points, and its interval where the frame has one. */
interface Line {
  name: string;
  index: number;
  panel: number;
  metric: number;
  curve: Thinned;
  interval?: { low: Curve; high: Curve };
  beside?: Thinned;
}

/**
 * Measures of runs against their step. `frame`: rows {run, step, reward?, response_length?, n?, …} as `runRows` gives
 * them (metrics.jsonl of `grpo`); `NAME_low` and `NAME_high` are the interval of NAME. Long curves are drawn as means of
 * neighbouring steps over their range. Panels of a row share their y axis.
 */
export function runCurves(frame: Frame, options: RunCurvesOptions = {}): Figure {
  const { x = 'step', labels } = options;
  const panelColumn = options.panels === undefined ? 'run' : (options.panels ?? undefined);
  const by = options.by ?? (panelColumn === undefined ? 'run' : undefined);
  const needed = [x, ...[panelColumn ?? [], by ?? []].flat()];
  const columns = columnsWith(frame, 'runCurves', needed);
  const groups = groupRows(columns, panelColumn, by);
  const panelNames = [...new Set(groups.map(({ panel }) => panel))];
  const lineNames = [...new Set(groups.map(({ line }) => line))];
  const metrics = options.metrics ?? ['reward', 'response_length'];
  const lines = metrics.flatMap((metric, m) =>
    groups.flatMap((group): Line[] => {
      const curve = read(columns, x, metric, group.rows);
      if (curve.x.length === 0) return [];
      const interval = {
        low: read(columns, x, `${metric}_low`, group.rows),
        high: read(columns, x, `${metric}_high`, group.rows),
      };
      const index = lineNames.indexOf(group.line);
      const place = { name: group.line, index, panel: panelNames.indexOf(group.panel), metric: m };
      const besides = options.beside?.[metric];
      const beside = besides === undefined ? undefined : read(columns, x, besides, group.rows);
      return [
        {
          ...place,
          curve: thin(curve),
          ...(interval.low.x.length > 1 ? { interval } : {}),
          ...(beside !== undefined && beside.x.length > 0 ? { beside: thin(beside) } : {}),
        },
      ];
    }),
  );
  const shown = metrics.filter((_, m) => lines.some((line) => line.metric === m));
  if (shown.length === 0) {
    throw userError(
      'FIGURE_EMPTY',
      `finite numbers in ${metrics.join(' or ')}`,
      'none',
      'choose other metrics',
    );
  }
  const spec = drawn(
    lines,
    shown.map((metric) => metrics.indexOf(metric)),
    shown,
    panelNames,
    {
      x,
      colours: seriesColours(lineNames.length),
      panelTitle: (name) => (panelColumn === undefined ? undefined : nameOf(panelColumn, name, labels)),
      lineName: (name) => (by === undefined ? '' : nameOf(by, name, labels)),
    },
  );
  const group = Math.max(...lines.map((line) => line.curve.group));
  const caption = sentence([
    options.caption,
    group > 1 ? `Lines: means of up to ${group} steps; shaded: their range` : undefined,
    lines.some((line) => line.interval !== undefined) ? 'Shaded: 95 % intervals' : undefined,
    lines.some((line) => line.beside !== undefined)
      ? `Thin dotted lines: ${[...new Set(Object.values(options.beside!))].join(', ').replaceAll('_', ' ')}`
      : undefined,
    countsText(columns, 'n', 'responses', 'step'),
  ]);
  const layout = arrangePanels(spec.panels, {
    panelHeight: 130,
    ...options,
    caption,
    columns: panelNames.length,
    ...(by === undefined
      ? {}
      : { legend: { title: capital(by), names: lineNames.map((name) => nameOf(by, name, labels)) } }),
  });
  const rows = () =>
    lines.flatMap((line) =>
      curveRows(
        line.curve.mean,
        { x, y: metrics[line.metric]! },
        {
          ...(panelColumn === undefined ? {} : { [panelColumn]: panelNames[line.panel] }),
          ...(by === undefined ? {} : { [by]: line.name }),
        },
      ),
    );
  return new Figure(
    { data: spec.data, layout },
    options.title ?? 'Training by RL',
    rows,
    options.selfContained,
  );
}

function read(columns: Columns, x: string, name: string, rows: readonly number[]): Curve {
  const values = numericReader(columns, name);
  return curveOf(numericReader(columns, x)!, values ?? (() => Number.NaN), values === undefined ? 0 : rows);
}

interface Group {
  panel: string;
  line: string;
  rows: number[];
}

/** Positions of the rows of each panel and line, in order of appearance. */
function groupRows(columns: Columns, panelColumn: string | undefined, by: string | undefined): Group[] {
  const panelOf = panelColumn === undefined ? undefined : columns.reader(panelColumn)!;
  const lineOf = by === undefined ? undefined : columns.reader(by)!;
  const groups = new Map<unknown, Map<unknown, Group>>();
  for (let row = 0; row < columns.length; row++) {
    const panel = panelOf?.(row);
    const line = lineOf?.(row);
    let inPanel = groups.get(panel);
    if (inPanel === undefined) {
      inPanel = new Map();
      groups.set(panel, inPanel);
    }
    const group = inPanel.get(line);
    if (group === undefined) inPanel.set(line, { panel: String(panel), line: String(line), rows: [row] });
    else group.rows.push(row);
  }
  return [...groups.values()].flatMap((inPanel) => [...inPanel.values()]);
}

interface Naming {
  x: keyof typeof X_TITLES;
  colours: readonly string[];
  panelTitle(name: string): string | undefined;
  lineName(name: string): string;
}

/** Panels row by row, one row per shown metric, and their traces. */
function drawn(
  lines: readonly Line[],
  rows: readonly number[],
  metrics: readonly string[],
  panelNames: readonly string[],
  { x, colours, panelTitle, lineName }: Naming,
): { panels: PanelRequest[]; data: LineTrace[] } {
  const ends = extent(lines.map(({ curve }) => curve.mean.x));
  const pad = Math.max((ends[1] - ends[0]) * 0.03, 0.5);
  const xAxis: AxisRequest = {
    title: X_TITLES[x],
    type: 'linear',
    range: [ends[0] - pad, ends[1] + pad],
    tickformat: '~s',
    showgrid: false,
  };
  const named = new Set<number>();
  const data: LineTrace[] = [];
  const panels = rows.flatMap((metric, row) => {
    const inRow = lines.filter((line) => line.metric === metric);
    const y = rowAxis(inRow, TITLES[metrics[row]!] ?? metrics[row]!.replaceAll('_', ' '));
    return panelNames.map((panel, column): PanelRequest => {
      const number = row * panelNames.length + column;
      const suffix = number === 0 ? '' : number + 1;
      for (const line of inRow.filter((one) => one.panel === column)) {
        const name = lineName(line.name);
        const look = {
          name: name === '' ? y.title : name,
          color: colours[line.index]!,
          xaxis: `x${suffix}`,
          yaxis: `y${suffix}`,
          showlegend: name !== '' && !named.has(line.index),
          hovertemplate: '%{x:,}: %{y:.4f}<extra>%{fullData.name}</extra>',
        };
        named.add(line.index);
        if (line.interval !== undefined) data.push(band(line.interval, look));
        if (line.beside !== undefined) data.push(besideLine(line.beside, look));
        const traces = curveTraces(line.curve, look);
        traces.at(-1)!.line!.dash = DASHES[line.index % DASHES.length]!;
        data.push(...traces);
      }
      const title = row === 0 ? panelTitle(panel) : undefined;
      return { ...(title === undefined ? {} : { title }), x: xAxis, y };
    });
  });
  data.sort((a, b) => Number(b.fill === 'toself') - Number(a.fill === 'toself'));
  return { panels, data };
}

function rowAxis(lines: readonly Line[], title: string): AxisRequest {
  const [low, high] = extent(
    lines.flatMap(({ curve, interval, beside }) => [
      curve.low,
      curve.high,
      ...(interval ? [interval.low.y, interval.high.y] : []),
      ...(beside ? [beside.mean.y] : []),
    ]),
  );
  const dtick = niceStep((high - low || Math.abs(high) || 1) / 4);
  const ends = [Math.floor(low / dtick + 1e-9) * dtick, Math.ceil(high / dtick - 1e-9) * dtick] as const;
  const pad = (ends[1] - ends[0] || dtick) * 0.03;
  const most = Math.max(Math.abs(ends[0]), Math.abs(ends[1]));
  const range: [number, number] = [ends[0] - pad, ends[1] + pad];
  // Beyond five digits the numbers would leave the page.
  const format = most < 1e5 ? undefined : most < 1e12 ? '~s' : '.0e';
  return { title, type: 'linear', range, dtick, ...(format && { tickformat: format as '~s' | '.0e' }) };
}

/** What a metric is held against, in the colour of its line. */
function besideLine(
  { mean }: Thinned,
  { name, color, xaxis, yaxis }: { name: string; color: string; xaxis: string; yaxis: string },
): LineTrace {
  return {
    type: 'scatter',
    mode: 'lines',
    name,
    legendgroup: name,
    x: [...mean.x],
    y: [...mean.y],
    xaxis,
    yaxis,
    line: { color, width: 1, dash: 'dot' },
    hoverinfo: 'skip',
    showlegend: false,
  };
}

function band(
  { low, high }: { low: Curve; high: Curve },
  { name, color, xaxis, yaxis }: { name: string; color: string; xaxis: string; yaxis: string },
): LineTrace {
  return {
    type: 'scatter',
    mode: 'lines',
    name,
    legendgroup: name,
    x: [...high.x, ...low.x.toReversed()],
    y: [...high.y, ...low.y.toReversed()],
    xaxis,
    yaxis,
    fill: 'toself',
    fillcolor: translucent(color, 0.15),
    line: { width: 0 },
    hoverinfo: 'skip',
    showlegend: false,
  };
}

/** How training went: loss and held-out loss against tokens or steps; the learning rate below on request. */
import { userError } from '../core/errors.ts';
import { Figure } from './figure.ts';
import { type Frame, numberIn, type Row, rowsWith } from './frame.ts';
import { type AxisRequest, arrangePanels, type FrameOptions, type PanelRequest } from './layout.ts';
import { sentence } from './sentence.ts';
import { PALETTE, translucent } from './style.ts';
import { niceStep } from './svg/scale.ts';
import type { LineTrace } from './types.ts';

export interface TrainingCurveOptions extends FrameOptions {
  /** What the horizontal axis counts (default tokens if the frame has them). */
  x?: 'tokens' | 'step';
  /** Adds a panel with the learning rate. */
  learningRate?: boolean;
  /** Axis of the loss (default linear). */
  scale?: 'linear' | 'log';
}

/** More points than this are averaged in equal groups: a page cannot show more. */
const MOST_POINTS = 400;

/**
 * Loss (nats per token) against tokens. `frame`: rows {step, tokens, loss?, validation_loss?, learning_rate?};
 * a row has whichever was measured at that step. A long training loss is drawn as means of neighbouring steps
 * over its pale raw range.
 */
export function trainingCurve(frame: Frame, options: TrainingCurveOptions = {}): Figure {
  const all = rowsWith(frame, 'trainingCurve', ['step']);
  const x = options.x ?? (all[0]!.tokens === undefined ? 'step' : 'tokens');
  const rows = rowsWith(all, 'trainingCurve', [x]);
  const training = pointsOf(rows, x, 'loss');
  const held = pointsOf(rows, x, 'validation_loss');
  const rate = options.learningRate ? pointsOf(rows, x, 'learning_rate') : [];
  if (training.length + held.length === 0) {
    throw userError(
      'FIGURE_EMPTY',
      'a finite loss or validation_loss in some row',
      'none',
      'check the input',
    );
  }
  const shown = averaged(training);
  const data: LineTrace[] = [];
  if (shown.group > 1) data.push(range(training, shown.group));
  if (shown.points.length > 0) {
    data.push(line('training loss', shown.points, PALETTE[0], 'y', '%{x:,}: %{y:.4f}'));
  }
  if (held.length > 0) data.push(markers('held-out loss', held));
  const losses = [...shown.points, ...held].map(([, value]) => value);
  const xAxis: AxisRequest = {
    title: x === 'tokens' ? 'training tokens' : 'optimizer step',
    type: 'linear',
    range: fitted(
      [...training, ...held, ...rate].map(([at]) => at),
      0.02,
    ),
    tickformat: '~s',
    showgrid: false,
  };
  const panels: PanelRequest[] = [{ x: xAxis, y: lossAxis(losses, options.scale ?? 'linear') }];
  if (rate.length > 0) {
    const top = rate.reduce((most, [, value]) => Math.max(most, value), 0) * 1.08;
    panels.push({
      weight: 0.4,
      x: xAxis,
      y: {
        title: 'learning rate',
        type: 'linear',
        range: [0, top],
        dtick: niceStep(top / 3),
        tickformat: '.0e',
      },
    });
    data.push({
      ...line('learning rate', rate, PALETTE[6], 'y2', '%{y:.2e}'),
      xaxis: 'x2',
      showlegend: false,
    });
  }
  const last = (points: readonly Point[]) => points.at(-1)?.[1].toFixed(3);
  const caption = sentence([
    options.caption,
    shown.group > 1 ? `Line: means of ${shown.group} steps; shaded: their range` : undefined,
    held.length > 0
      ? `Last held-out loss ${last(held)} nats per token`
      : `Last loss ${last(training)} nats per token`,
  ]);
  const names = [
    ...(shown.points.length > 0 ? ['training loss'] : []),
    ...(held.length > 0 ? ['held-out loss'] : []),
  ];
  const layout = arrangePanels(panels, { ...options, caption, legend: { title: 'Loss', names } });
  return new Figure({ data, layout }, options.title ?? 'Training', rows, options.selfContained);
}

type Point = [x: number, y: number];

function pointsOf(rows: readonly Row[], x: string, y: string): Point[] {
  return rows
    .map((row): Point => [numberIn(row, x), numberIn(row, y)])
    .filter(([at, value]) => Number.isFinite(at) && Number.isFinite(value))
    .sort((a, b) => a[0] - b[0]);
}

/** Means of equal groups of neighbours, at the groups' mean x; the points themselves when they are few. */
function averaged(points: readonly Point[]): { points: Point[]; group: number } {
  const group = Math.max(1, Math.ceil(points.length / MOST_POINTS));
  if (group === 1) return { points: [...points], group };
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    group,
    points: groups(points, group).map((some) => [
      mean(some.map(([at]) => at)),
      mean(some.map(([, value]) => value)),
    ]),
  };
}

function groups(points: readonly Point[], size: number): Point[][] {
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    points.slice(i * size, (i + 1) * size),
  );
}

/** Area from the smallest to the largest value of each group. */
function range(points: readonly Point[], size: number): LineTrace {
  const some = groups(points, size);
  const middle = some.map((group) => group.reduce((sum, [at]) => sum + at, 0) / group.length);
  const ends = (pick: (...values: number[]) => number) =>
    some.map((group) => pick(...group.map(([, value]) => value)));
  return {
    type: 'scatter',
    mode: 'lines',
    name: 'training loss',
    legendgroup: 'training loss',
    x: [...middle, ...middle.toReversed()],
    y: [...ends(Math.max), ...ends(Math.min).toReversed()],
    fill: 'toself',
    fillcolor: translucent(PALETTE[0], 0.18),
    line: { width: 0 },
    hoverinfo: 'skip',
    showlegend: false,
  };
}

function line(
  name: string,
  points: readonly Point[],
  color: string,
  yaxis: string,
  hover: string,
): LineTrace {
  return {
    type: 'scatter',
    mode: 'lines',
    name,
    legendgroup: name,
    x: points.map(([at]) => at),
    y: points.map(([, value]) => value),
    yaxis,
    line: { color, width: 1.8 },
    hovertemplate: `${hover}<extra>${name}</extra>`,
  };
}

function markers(name: string, points: readonly Point[]): LineTrace {
  return {
    ...line(name, points, PALETTE[1], 'y', '%{x:,}: %{y:.4f}'),
    mode: 'lines+markers',
    marker: { color: PALETTE[1], size: 7, symbol: 'square' },
  };
}

/** The whole of the losses, from zero on a linear axis. */
function lossAxis(losses: readonly number[], scale: 'linear' | 'log'): AxisRequest {
  const title = 'loss (nats per token)';
  if (scale === 'linear') {
    const [low, high] = fitted(losses, 0.05);
    return {
      title,
      type: 'linear',
      range: [Math.min(0, low), high],
      dtick: niceStep((high - Math.min(0, low)) / 8),
    };
  }
  const positive = losses.filter((value) => value > 0);
  return { title, type: 'log', range: fitted(positive.map(Math.log10), 0.05), tickformat: '~r' };
}

/** Smallest and largest value with `share` of their distance around. */
function fitted(values: readonly number[], share: number): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const pad = high > low ? (high - low) * share : Math.max(Math.abs(high) * share, 1e-9);
  return [low - pad, high + pad];
}

/** How training went: loss and held-out loss against tokens or steps; the learning rate below on request. */
import { userError } from '../core/errors.ts';
import { type Curve, curveOf, curveTraces, extent, thin } from './curve.ts';
import { Figure } from './figure.ts';
import { type Columns, columnsOf, columnsWith, type Frame, numericReader } from './frame.ts';
import { type AxisRequest, arrangePanels, type FrameOptions, type PanelRequest } from './layout.ts';
import { sentence } from './sentence.ts';
import { PALETTE } from './style.ts';
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

/**
 * Loss (nats per token) against tokens. `frame`: rows {step, tokens, loss?, validation_loss?, learning_rate?};
 * a row has whichever was measured at that step. A long training loss is drawn as means of neighbouring steps
 * over its pale raw range.
 */
export function trainingCurve(frame: Frame, options: TrainingCurveOptions = {}): Figure {
  if (columnsOf(frame).length === 0) {
    throw userError(
      'FIGURE_EMPTY',
      'a run with a logged step',
      'none (stopped before its first one?)',
      'let it go on: every log_every steps one is logged',
    );
  }
  const columns = columnsWith(frame, 'trainingCurve', ['step']);
  const x = options.x ?? (columns.reader('tokens')?.(0) === undefined ? 'step' : 'tokens');
  columnsWith(frame, 'trainingCurve', [x]);
  const training = column(columns, x, 'loss');
  const held = column(columns, x, 'validation_loss');
  const rate = options.learningRate ? column(columns, x, 'learning_rate') : NONE;
  if (training.x.length + held.x.length === 0) {
    throw userError(
      'FIGURE_EMPTY',
      'a finite loss or validation_loss in some row',
      'none',
      'check the input',
    );
  }
  const shown = thin(training);
  const data: LineTrace[] = [];
  if (training.x.length > 0) {
    const look = { name: 'training loss', color: PALETTE[0], hovertemplate: hoverText('training loss') };
    data.push(...curveTraces(shown, { ...look, yaxis: 'y' }));
  }
  if (held.x.length > 0) data.push(markers('held-out loss', held));
  const xAxis: AxisRequest = {
    title: x === 'tokens' ? 'training tokens' : 'optimizer step',
    type: 'linear',
    range: fitted([training.x, held.x, rate.x], 0.02),
    tickformat: '~s',
    showgrid: false,
  };
  const panels: PanelRequest[] = [
    { x: xAxis, y: lossAxis([shown.mean.y, held.y], options.scale ?? 'linear') },
  ];
  if (rate.x.length > 0) {
    const top = Math.max(0, extent([rate.y])[1]) * 1.08;
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
    const look = { name: 'learning rate', color: PALETTE[6], yaxis: 'y2', xaxis: 'x2', showlegend: false };
    const [line] = curveTraces({ ...thin(rate), group: 1 }, look);
    data.push({ ...line!, hovertemplate: '%{y:.2e}<extra>learning rate</extra>' });
  }
  const last = ({ y }: Curve) => y.at(-1)?.toFixed(3);
  const caption = sentence([
    options.caption,
    shown.group > 1 ? `Line: means of ${shown.group} steps; shaded: their range` : undefined,
    held.x.length > 0
      ? `Last held-out loss ${last(held)} nats per token`
      : `Last loss ${last(training)} nats per token`,
  ]);
  const names = [
    ...(training.x.length > 0 ? ['training loss'] : []),
    ...(held.x.length > 0 ? ['held-out loss'] : []),
  ];
  const layout = arrangePanels(panels, { ...options, caption, legend: { title: 'Loss', names } });
  return new Figure(
    { data, layout },
    options.title ?? 'Training',
    () => columns.rows(),
    options.selfContained,
  );
}

const NONE: Curve = { x: new Float64Array(), y: new Float64Array() };

function column(columns: Columns, x: string, y: string): Curve {
  const values = numericReader(columns, y);
  return values === undefined ? NONE : curveOf(numericReader(columns, x)!, values, columns.length);
}

function hoverText(name: string): string {
  return `%{x:,}: %{y:.4f}<extra>${name}</extra>`;
}

function markers(name: string, { x, y }: Curve): LineTrace {
  return {
    type: 'scatter',
    mode: 'lines+markers',
    name,
    legendgroup: name,
    x: [...x],
    y: [...y],
    yaxis: 'y',
    line: { color: PALETTE[1], width: 1.8 },
    hovertemplate: hoverText(name),
    marker: { color: PALETTE[1], size: 7, symbol: 'square' },
  };
}

/** The whole of the losses, from zero on a linear axis. */
function lossAxis(losses: readonly Float64Array[], scale: 'linear' | 'log'): AxisRequest {
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
  const positive = losses.map((some) => some.filter((value) => value > 0).map(Math.log10));
  return { title, type: 'log', range: fitted(positive, 0.05), tickformat: '~r' };
}

/** Smallest and largest value with `share` of their distance around. */
function fitted(values: readonly Float64Array[], share: number): [number, number] {
  const [low, high] = extent(values);
  const pad = high > low ? (high - low) * share : Math.max(Math.abs(high) * share, 1e-9);
  return [low - pad, high + pad];
}

/**
 * The figures of the paper (arXiv 2512.07783), each one of the general figures with its choices made. Frames are in long
 * form; columns are named at each function. Values that are column names here (`exposure`, `reward`, …) are whatever the
 * runs are called. Every function takes the options of the general figure it is made of, which go before its own.
 */
import { type BarsOptions, bars } from './bars.ts';
import type { Figure } from './figure.ts';
import { distinct, type Frame, rowsWith } from './frame.ts';
import { type HeatMapOptions, heatMap } from './heat-map.ts';
import { type HistogramOptions, histograms } from './histograms.ts';
import type { FrameOptions } from './layout.ts';
import { type PassAtKOptions, passAtKByOp, passAtKCurve } from './pass-at-k.ts';
import { type RunCurvesOptions, runCurves } from './run-curves.ts';
import { sideBySide } from './side-by-side.ts';
import { type BudgetGridOptions, budgetGrid, type DynamicsOptions, dynamics } from './sweeps.ts';

/** The paper's names of the default ranges of op. */
export const RANGE_LABELS = {
  id: 'ID (op\u00a02–10)',
  edge: 'OOD-edge (op\u00a011–14)',
  hard: 'OOD-hard (op\u00a015–20)',
} as const;

const CONTEXT_LABELS = {
  crazy_zootopia: 'context A (zoo)',
  zoo: 'context A (zoo)',
  teachers_in_school: 'context B (school)',
  school: 'context B (school)',
} as const;

/** The largest k of a frame, as the figures of pass@128 draw it. */
function largestK(frame: Frame): number {
  return Number(distinct(rowsWith(frame, 'figure', ['k']), 'k').at(-1));
}

/** Frames of figure 1; see {@link figure1}. */
export interface Figure1Frames {
  /** {run, k, value} on the edge of competence. */
  ranges: Frame;
  /** {exposure, op, k, value} on context B. */
  exposure: Frame;
  /** {run, op, k, value} of op 15–20, for mid-training with RL and RL alone. */
  midTraining: Frame;
}

/**
 * Figure 1, the findings: (a) pass@k of the edge for base model and RL ranges, (b) pass@128 of context B by op for
 * exposures, (c) pass@128 of op 15–20 with and without mid-training.
 */
export function figure1(frames: Figure1Frames, options: FrameOptions = {}): Figure {
  const { exposure, midTraining } = frames;
  const parts = [
    passAtKCurve(frames.ranges, { by: 'run', interval: 'band' }),
    passAtKByOp(exposure, { by: 'exposure', ks: [largestK(exposure)], ordered: true }),
    bars(midTraining, {
      by: 'run',
      x: 'op',
      ks: [largestK(midTraining)],
      numbers: 'none',
      xTitle: 'operations (op)',
    }),
  ];
  const titles = ['RL at the edge of competence', 'Exposure to context B', 'Mid-training and RL'];
  return sideBySide(parts, { title: 'Findings', width: 1100, titles, ...options });
}

/** Figure 3: pass@k by range for base model and RL ranges. `frame`: {run, range, k, value, low?, high?, n?}. */
export function figure3(frame: Frame, options: PassAtKOptions = {}): Figure {
  return passAtKCurve(frame, {
    title: 'RL ranges: pass@k by range of op',
    by: 'run',
    panels: 'range',
    ...options,
    labels: { ...RANGE_LABELS, ...options.labels },
  });
}

/** Figure 4: pass@128 of context B against op by exposure. `frame`: {exposure, op, k, value, low?, high?, n?}. */
export function figure4(frame: Frame, options: PassAtKOptions = {}): Figure {
  const ks = options.ks ?? [largestK(frame)];
  return passAtKByOp(frame, {
    title: 'Context B by exposure in pre-training',
    by: 'exposure',
    ordered: true,
    ...options,
    ks,
  });
}

/**
 * Figure 5: similarity of right responses in context B to graphs trained on, by exposure. The paper does not define its
 * measure; ours is in docs/metrics.md. `frame`: {exposure, range, bin_low, bin_high, share, samples?} or {…, similarity}.
 */
export function figure5(frame: Frame, options: HistogramOptions = {}): Figure {
  return histograms(frame, {
    title: 'Topology similarity to training graphs',
    caption: 'WL similarity (h = 3), the greatest over training graphs; our definition, the paper gives none',
    panels: 'exposure',
    xTitle: 'topology similarity',
    ...options,
    labels: { ...RANGE_LABELS, ...options.labels },
  });
}

/** Figure 6: ways to split a budget, pass@1 and pass@128. `frame`: {allocation, range, op, k, value, low?, high?, n?}. */
export function figure6(frame: Frame, options: PassAtKOptions = {}): Figure {
  const ks = options.ks ?? [1, largestK(frame)];
  return passAtKByOp(frame, {
    title: 'Mid-training and RL at equal compute',
    by: 'allocation',
    panels: ['k', 'range'],
    y: 'row',
    ...options,
    ks,
    labels: { ...RANGE_LABELS, ...options.labels },
  });
}

/** Figure 7: rewards, with differences from the first. `frame`: {reward, range, k, value, low?, high?, n?}. */
export function figure7(frame: Frame, options: Partial<BarsOptions> = {}): Figure {
  const ks = options.ks ?? [1, largestK(frame)];
  return bars(frame, {
    title: 'Outcome and process rewards',
    by: 'reward',
    x: 'k',
    panels: 'range',
    xTitle: 'metric',
    yTitle: 'solved',
    ...options,
    ks,
    labels: { ...RANGE_LABELS, ...options.labels },
  });
}

/** Figure 8: kinds of errors by reward. `frame`: {reward, range, type, share, low?, high?, n?, samples?}. */
export function figure8(frame: Frame, options: Partial<BarsOptions> = {}): Figure {
  const types = ['correct', 'dependency_mismatch', 'missing_nodes'];
  return bars(frame, {
    title: 'How responses fail, by reward',
    by: 'reward',
    value: 'share',
    panels: ['range', 'type'],
    numbers: 'value',
    where: { type: types },
    yTitle: 'samples',
    ...options,
    labels: { ...RANGE_LABELS, dependency_mismatch: 'dependency mismatch', ...options.labels },
  });
}

/** Figure 9: pass@k along pre-training, by range and by op. `frame`: see {@link dynamics}. */
export function figure9(frame: Frame, options: DynamicsOptions = {}): Figure {
  const labels = { ...RANGE_LABELS, ...options.labels };
  return dynamics(frame, { title: 'Pre-training dynamics', ...options, labels });
}

/** Figure 10: reduction of the gold solutions' NLL by RL. `frame`: {run, op, value, low?, high?, n?, trained?}. */
export function figure10(frame: Frame, options: HeatMapOptions = {}): Figure {
  return heatMap(frame, {
    title: 'NLL reduction of gold solutions against the base model',
    measure: 'nats per token',
    yTitle: 'RL range',
    boxText: 'White boxes: ops that RL trained on',
    ...options,
  });
}

/** Figure 11: reward and response length by RL range. `frame`: {run, step, reward, response_length, n?}. */
export function figure11(frame: Frame, options: RunCurvesOptions = {}): Figure {
  return runCurves(frame, { title: 'RL by range of op', ...options });
}

/**
 * Figure 12: pass@k of contexts A and B by share of B in RL, after pre-training with 0.1 % B. `frame`: {ratio, context, k,
 * value, low?, high?, n?}. The paper's y axis says pass@128 although its x axis is k; ours says pass@k.
 */
export function figure12(frame: Frame, options: PassAtKOptions = {}): Figure {
  return byContext(frame, { title: 'Context B in RL, 0.1 % in pre-training', ...options });
}

/** Figure 13: the same after pre-training with 1 % B of op 2. `frame`: as {@link figure12}. */
export function figure13(frame: Frame, options: PassAtKOptions = {}): Figure {
  return byContext(frame, { title: 'Context B in RL, 1 % (op 2) in pre-training', ...options });
}

function byContext(frame: Frame, options: PassAtKOptions): Figure {
  const labels = { ...CONTEXT_LABELS, ...options.labels };
  return passAtKCurve(frame, { by: 'ratio', panels: 'context', ...options, labels });
}

/** Figure 14: reward and response length of the runs of figure 13. `frame`: {run, step, reward, response_length, n?}. */
export function figure14(frame: Frame, options: RunCurvesOptions = {}): Figure {
  return runCurves(frame, { title: 'RL by share of context B', ...options });
}

/**
 * Figure 15: pass@128 of base model and RL by share of hard problems in pre-training, with their difference. `frame`:
 * {run, hard_ratio, range, k, value, low?, high?, n?}, the base model's rows first; hard_ratio in per cent.
 */
export function figure15(frame: Frame, options: Partial<BarsOptions> = {}): Figure {
  const ks = options.ks ?? [largestK(frame)];
  return bars(frame, {
    title: 'Hard problems in pre-training',
    by: 'run',
    x: 'hard_ratio',
    panels: 'range',
    xTitle: 'hard problems (%)',
    ...options,
    ks,
    labels: { ...RANGE_LABELS, ...options.labels },
  });
}

/** Figure 16: reward and response length by share of hard problems. `frame`: {run, step, reward, response_length, n?}. */
export function figure16(frame: Frame, options: RunCurvesOptions = {}): Figure {
  return runCurves(frame, { title: 'RL by share of hard problems in pre-training', ...options });
}

/** Figure 17: reward and response length by exposure to B. `frame`: {run, step, reward, response_length, n?}. */
export function figure17(frame: Frame, options: RunCurvesOptions = {}): Figure {
  return runCurves(frame, { title: 'RL by exposure to context B in pre-training', ...options });
}

/**
 * Figure 18: budgets and their splits. `frame`: {budget, rl_share, range, k, value, low?, high?, n?}, budget in tokens.
 */
export function figure18(frame: Frame, options: BudgetGridOptions = {}): Figure {
  const ks = options.ks ?? [1, largestK(frame)];
  return budgetGrid(frame, {
    title: 'Budgets and how they are spent',
    ...options,
    ks,
    labels: { edge: 'edge', hard: 'hard', ...options.labels },
  });
}

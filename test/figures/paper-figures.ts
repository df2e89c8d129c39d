/** The figures of the paper, but figure 2, drawn of the rows that tests and the gallery share. */
import {
  type Figure,
  figure1,
  figure3,
  figure4,
  figure5,
  figure6,
  figure7,
  figure8,
  figure9,
  figure10,
  figure11,
  figure12,
  figure13,
  figure14,
  figure15,
  figure16,
  figure17,
  figure18,
} from '../../src/figures/index.ts';
import {
  allocations,
  alongTraining,
  budgets,
  byRun,
  errorGrid,
  exposures,
  hardRatios,
  midTraining,
  nll,
  ratios,
  rewards,
  rlRuns,
  similarity,
} from './paper-rows.ts';

const findings = {
  ranges: byRun.filter(({ range }) => range === 'edge'),
  exposure: exposures,
  midTraining,
};

/** Runs of reinforcement learning, each with less reward and longer responses than the one before. */
export const rl = (names: readonly string[]) =>
  rlRuns(names.map((name, i) => [name, 0.75 - 0.15 * i, 230 + 14 * i] as const));

/** By name; drawn at the width of its own unless another one is given. */
export const paperFigures: Record<string, (options?: { width: number }) => Figure> = {
  figure_1: (options) => figure1(findings, options),
  figure_3: (options) => figure3(byRun, options),
  figure_4: (options) => figure4(exposures, options),
  figure_5: (options) => figure5(similarity, options),
  figure_6: (options) => figure6(allocations, options),
  figure_7: (options) => figure7(rewards, options),
  figure_8: (options) => figure8(errorGrid, options),
  figure_9: (options) => figure9(alongTraining, options),
  figure_10: (options) => figure10(nll, options),
  figure_11: (options) => figure11(rl(['op 7–10', 'op 9–12', 'op 11–14', 'op 17–20']), options),
  figure_12: (options) => figure12(ratios, options),
  figure_13: (options) => figure13(ratios, options),
  figure_14: (options) => figure14(rl(['100 % A', '99/1', '90/10', '50/50', '100 % B']), options),
  figure_15: (options) => figure15(hardRatios, options),
  figure_16: (options) => figure16(rl(['0.1 %', '5 %', '20 %', '33.3 %', '50 %']), options),
  figure_17: (options) => figure17(rl(['0.1 % B', '1 % B', '10 % B']), options),
  figure_18: (options) => figure18(budgets, options),
};

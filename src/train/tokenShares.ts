/**
 * Mixtures by shares of tokens, as the reference states them (PAPER §4.2). A stream draws tasks one by one and each
 * position must be reachable without those before it, so that nothing can be balanced along the way; instead each
 * kind of task is drawn with weight share / mean tokens of a text of that kind. The means are measured on a fixed
 * sample, which makes the stream a function of settings and tokenizer.
 */
import {
  createTaskSource,
  type Mixture,
  type MixtureCell,
  type Task,
  type TaskSourceOptions,
} from '../tasks/index.ts';

/**
 * Texts of each kind that are measured. Lengths within a kind vary by about a quarter, so a mean is off by about
 * 1.6 % of itself and the share of a group of kinds by less than 1 % of all tokens.
 */
export const MEASURED_TEXTS = 256;

/** The options with a mixture whose weights, shares of tasks, give the shares of tokens that were asked for. */
export function tokenShares(
  options: TaskSourceOptions,
  length: (task: Task, index: number) => number,
): TaskSourceOptions {
  const { contexts, ops, opWeights, modes, depths, mixture, ...rest } = options;
  const { cells } = createTaskSource(options);
  const weighted = cells.map((cell) => {
    const source = createTaskSource({ ...rest, mixture: mixtureOf([cell]) });
    let tokens = 0;
    for (let index = 0; index < MEASURED_TEXTS; index++) tokens += length(source.at(index), index);
    return { ...cell, weight: (cell.weight * MEASURED_TEXTS) / tokens };
  });
  return { ...rest, mixture: mixtureOf(weighted) };
}

/** Cells as a mixture with a component each. */
function mixtureOf(cells: readonly MixtureCell[]): Mixture {
  return {
    define: [...new Map(cells.map(({ context }) => [context.name, context])).values()],
    components: cells.map(({ context, op, mode, depth, weight }) => ({
      weight,
      contexts: [context.name],
      ops: String(op),
      modes: [mode],
      depths: [depth],
    })),
  };
}

/**
 * Mixtures: how often each (context, op, mode) is drawn. Written as components, so that "op 2–20 of the zoo,
 * and a little op 2 of the school" is two of them; resolved to one table of cells with weights of sum 1.
 */
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import { type Context, resolveContext } from './contexts.ts';
import { parseOp, parseOps } from './ops.ts';
import type { Mode } from './types.ts';

const weights = z.record(z.string(), z.number().min(0));

const componentSchema = z.strictObject({
  /** Share of the component among the others; all 1 by default. */
  weight: z.number().min(0).default(1),
  /** Names, or names with weights. */
  contexts: z.union([z.array(z.string()).min(1), weights]).default(['zoo', 'school', 'festival']),
  /** `"2-10"` for equal weights, or op counts with weights. */
  ops: z.union([z.string(), weights]),
  modes: z.union([z.array(z.string()).min(1), weights]).default(['forward']),
});

export const mixtureSchema = z.strictObject({
  name: z.string().min(1).optional(),
  /** Where the numbers come from. */
  source: z.string().optional(),
  components: z.array(componentSchema).min(1),
});

/** A mixture as a user writes it (defaults may be left out). */
export type Mixture = z.input<typeof mixtureSchema>;

/** One kind of task and its share. */
export interface MixtureCell {
  readonly context: Context;
  readonly op: number;
  readonly mode: Mode;
  readonly weight: number;
}

/**
 * The cells of a mixture with weights of sum 1; equal cells of several components are added, empty ones left out.
 * @throws MIXTURE_INVALID, MIXTURE_EMPTY, OPS_INVALID, CONTEXT_UNKNOWN, MODE_UNKNOWN, MODE_UNAVAILABLE
 */
export function resolveMixture(mixture: Mixture): MixtureCell[] {
  const parsed = mixtureSchema.safeParse(mixture);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.join('.') || 'object';
    throw userError('MIXTURE_INVALID', `a valid mixture field ${field}`, issue.message, 'correct that field');
  }
  const cells = new Map<string, { context: Context; op: number; mode: Mode; weight: number }>();
  for (const component of parsed.data.components) {
    const contexts = normalise(component.contexts, 'contexts');
    const ops = normalise(
      typeof component.ops === 'string' ? parseOps(component.ops).map(String) : component.ops,
      'ops',
    );
    const modes = normalise(component.modes, 'modes');
    for (const [contextName, contextWeight] of contexts) {
      const context = resolveContext(contextName);
      for (const [opText, opWeight] of ops) {
        const op = parseOp(opText);
        for (const [modeName, modeWeight] of modes) {
          const mode = resolveMode(modeName);
          const weight = component.weight * contextWeight * opWeight * modeWeight;
          const key = `${context.name} ${op} ${mode}`;
          const cell = cells.get(key);
          if (cell) cell.weight += weight;
          else if (weight > 0) cells.set(key, { context, op, mode, weight });
        }
      }
    }
  }
  return normaliseCells([...cells.values()]);
}

/** Divides the weights by their sum and sorts, so that equal mixtures are equal tables. */
export function normaliseCells(cells: readonly MixtureCell[]): MixtureCell[] {
  const total = cells.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0 && Number.isFinite(total))) {
    throw userError(
      'MIXTURE_EMPTY',
      'weights with a positive sum',
      `${total}`,
      'give some op a weight above 0',
    );
  }
  return cells
    .map((cell) => ({ ...cell, weight: cell.weight / total }))
    .sort((a, b) => compare(a.context.name, b.context.name) || a.op - b.op || compare(a.mode, b.mode));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A mode by its record name or as the command line calls it. This version writes forward problems only. */
export function resolveMode(mode: string): Mode {
  if (mode === 'forward' || mode === 'normalforward') return 'normalforward';
  if (mode === 'reverse' || mode === 'forwardreverse') {
    throw userError('MODE_UNAVAILABLE', 'mode forward', `'${mode}'`, 'use --modes forward');
  }
  throw userError('MODE_UNKNOWN', 'mode forward', `'${mode}'`, 'use forward');
}

function normalise(
  given: readonly string[] | Readonly<Record<string, number>>,
  field: string,
): [string, number][] {
  const entries = Array.isArray(given)
    ? given.map((name): [string, number] => [name, 1])
    : Object.entries(given as Record<string, number>);
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  if (!(total > 0 && Number.isFinite(total))) {
    throw userError(
      'MIXTURE_EMPTY',
      `${field} with a positive weight`,
      JSON.stringify(given),
      `give one of ${field} a weight above 0`,
    );
  }
  return entries.map(([name, weight]) => [name, weight / total]);
}

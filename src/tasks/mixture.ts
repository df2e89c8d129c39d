/**
 * Mixtures: how often each (context, op, mode, depth) is drawn. Written as components, so that "op 2–20 of the zoo,
 * and a little op 2 of the school" is two of them; resolved to one table of cells with weights of sum 1.
 */
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import { type Context, checkNames, contextSchema, resolveContext } from './contexts.ts';
import { parseOp, parseOps } from './ops.ts';
import type { Depth } from './quantity.ts';
import type { Mode } from './types.ts';

const weights = z.record(z.string(), z.number().min(0));

const componentSchema = z.strictObject({
  /** Share of the component among the others; all 1 by default. */
  weight: z.number().min(0).default(1),
  /** Names, or names with weights. */
  contexts: z.union([z.array(z.string()).min(1), weights]).default(['zoo', 'school', 'festival']),
  /** `"2-10"` for equal weights, or op counts with weights. */
  ops: z.union([z.string(), weights]),
  /** `forward`, `reverse`; open when absent: the caller's modes, else forward. */
  modes: z.union([z.array(z.string()).min(1), weights]).optional(),
  /** 2, 3; open when absent: the caller's depths, else 2. */
  depths: z.union([z.array(z.number()).min(1), weights]).optional(),
});

export const mixtureSchema = z.strictObject({
  name: z.string().min(1).optional(),
  /** Where the numbers come from. */
  source: z.string().optional(),
  /** Contexts of one's own, which components can then name. */
  define: z.array(contextSchema).optional(),
  components: z.array(componentSchema).min(1),
});

/** A mixture as a user writes it (defaults may be left out). */
export type Mixture = z.input<typeof mixtureSchema>;

/** One kind of task and its share. */
export interface MixtureCell {
  readonly context: Context;
  readonly op: number;
  readonly mode: Mode;
  readonly depth: Depth;
  readonly weight: number;
}

/** What a mixture's components take where they leave it open. */
export interface MixtureDefaults {
  /** `['forward']` by default. */
  modes?: readonly string[] | undefined;
  /** `[2]` by default. */
  depths?: readonly number[] | undefined;
}

/**
 * The cells of a mixture with weights of sum 1; equal cells of several components are added, empty ones left out.
 * @throws MIXTURE_INVALID, MIXTURE_EMPTY, OPS_INVALID, CONTEXT_UNKNOWN, CONTEXT_INVALID, MODE_UNKNOWN, DEPTH_UNKNOWN
 */
export function resolveMixture(mixture: Mixture, defaults: MixtureDefaults = {}): MixtureCell[] {
  const parsed = parseMixture(mixture);
  const define = (parsed.define ?? []).map((context) => resolveContext(context));
  checkNames(define);
  const cells = new Map<string, { -readonly [K in keyof MixtureCell]: MixtureCell[K] }>();
  for (const component of parsed.components) {
    const contexts = normalise(component.contexts, 'contexts');
    const ops = normalise(
      typeof component.ops === 'string' ? parseOps(component.ops).map(String) : component.ops,
      'ops',
    );
    const modes = normalise(component.modes ?? [...(defaults.modes ?? ['forward'])], 'modes');
    const depths = normalise(named(component.depths ?? [...(defaults.depths ?? [2])]), 'depths');
    for (const [contextName, contextWeight] of contexts) {
      const context = resolveContext(contextName, define);
      for (const [opText, opWeight] of ops) {
        const op = parseOp(opText);
        for (const [modeName, modeWeight] of modes) {
          const mode = resolveMode(modeName);
          for (const [depthName, depthWeight] of depths) {
            const depth = resolveDepth(Number(depthName));
            const weight = component.weight * contextWeight * opWeight * modeWeight * depthWeight;
            const key = `${context.name} ${op} ${mode} ${depth}`;
            const cell = cells.get(key);
            if (cell) cell.weight += weight;
            else if (weight > 0) cells.set(key, { context, op, mode, depth, weight });
          }
        }
      }
    }
  }
  return normaliseCells([...cells.values()]);
}

function parseMixture(mixture: Mixture): z.output<typeof mixtureSchema> {
  const parsed = mixtureSchema.safeParse(mixture);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.join('.') || 'object';
  throw userError('MIXTURE_INVALID', `a valid mixture field ${field}`, issue.message, 'correct that field');
}

/** Whether a mixture says itself in some component which modes (or depths) it has. @throws MIXTURE_INVALID */
export function states(mixture: Mixture, field: 'modes' | 'depths'): boolean {
  return parseMixture(mixture).components.some((component) => component[field] !== undefined);
}

const named = (given: readonly number[] | Readonly<Record<string, number>>) =>
  Array.isArray(given) ? given.map(String) : (given as Record<string, number>);

/** Sorts the cells and divides their weights by the sum, so that equal mixtures are equal tables to the last bit. */
export function normaliseCells(cells: readonly MixtureCell[]): MixtureCell[] {
  const sorted = [...cells].sort(
    (a, b) =>
      compare(a.context.name, b.context.name) || a.op - b.op || compare(a.mode, b.mode) || a.depth - b.depth,
  );
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0 && Number.isFinite(total))) {
    throw userError(
      'MIXTURE_EMPTY',
      'weights with a positive, finite sum',
      `${total}`,
      'give some op a weight above 0',
    );
  }
  return sorted.map((cell) => ({ ...cell, weight: cell.weight / total }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A mode by its record name or as the command line calls it. */
export function resolveMode(mode: string): Mode {
  if (mode === 'forward' || mode === 'normalforward') return 'normalforward';
  if (mode === 'reverse' || mode === 'forwardreverse') return 'forwardreverse';
  throw userError('MODE_UNKNOWN', 'a mode of forward, reverse', `'${mode}'`, 'use forward or reverse');
}

/** A depth of the structure graph. */
export function resolveDepth(depth: number): Depth {
  if (depth === 2 || depth === 3) return depth;
  const nearest = depth > 2 ? 3 : 2;
  throw userError(
    'DEPTH_UNKNOWN',
    'a depth of 2 or 3',
    String(depth),
    `use ${nearest}, the nearest possible`,
  );
}

function normalise(
  given: readonly string[] | Readonly<Record<string, number>>,
  field: string,
): [string, number][] {
  const entries = Array.isArray(given)
    ? given.map((name): [string, number] => [name, 1])
    : Object.entries(given as Record<string, number>);
  entries.sort(([a], [b]) => compare(a, b)); // sums do not depend on the order in which weights are written
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  if (!(total > 0 && Number.isFinite(total))) {
    throw userError(
      'MIXTURE_EMPTY',
      `weights of ${field} with a positive, finite sum`,
      JSON.stringify(given),
      `give one of ${field} a weight above 0`,
    );
  }
  return entries.map(([name, weight]) => [name, weight / total]);
}

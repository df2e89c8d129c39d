/** Which kinds of tasks a source draws: from its options to a table of cells, checked against the world. */
import { userError } from '../core/errors.ts';
import { type Context, checkNames, resolveContext } from './contexts.ts';
import {
  type Mixture,
  type MixtureCell,
  normaliseCells,
  resolveDepth,
  resolveMixture,
  resolveMode,
  states,
} from './mixture.ts';
import { parseOps } from './ops.ts';
import type { Depth } from './quantity.ts';
import { opLimit, type World } from './world.ts';

/** What a source draws; part of its options. */
export interface CellOptions {
  /** Names, aliases or objects; all three of the paper by default. */
  contexts?: readonly (string | Context)[];
  /** Op counts: `2-10`, `2,4,6-8` or numbers; by default the world's, up to 10. */
  ops?: string | readonly number[];
  /** Weight of each op; equal when absent. */
  opWeights?: Readonly<Record<number, number>>;
  /** `forward`, `reverse`; forward by default. */
  modes?: readonly string[];
  /** Depths of the structure graph, 2 and 3; 2 by default. */
  depths?: readonly number[];
  /** Instead of contexts, ops and opWeights; and instead of modes and depths if it states them itself. */
  mixture?: Mixture;
}

/** Contexts (names or aliases) and depths that occur in the last split and in no other. */
export interface HeldOut {
  contexts?: readonly string[];
  depths?: readonly number[];
}

/**
 * The kinds of tasks that the options ask for, with weights of sum 1.
 * @throws the errors of mixture, contexts, ops, modes and depths; OPTION_CONFLICT, OP_WEIGHTS
 */
export function resolveCells(options: CellOptions, world: World): MixtureCell[] {
  const { mixture, contexts, ops, opWeights, modes, depths } = options;
  if (mixture !== undefined) {
    const stated = (field: 'modes' | 'depths') => (states(mixture, field) ? options[field] : undefined);
    const given = { contexts, ops, opWeights, modes: stated('modes'), depths: stated('depths') };
    const clash = Object.entries(given).find(([, value]) => value !== undefined);
    if (clash) {
      throw userError(
        'OPTION_CONFLICT',
        `a mixture, or ${clash[0]}`,
        `a mixture and ${clash[0]}`,
        'leave one of the two out',
      );
    }
    return resolveMixture(mixture, { modes, depths });
  }
  // The paper's in-distribution range, as far as the world reaches.
  const opList = parseOps(ops ?? `${world.ops[0]}-${Math.max(world.ops[0], Math.min(world.ops[1], 10))}`);
  const stories = (contexts ?? ['zoo', 'school', 'festival']).map((context) => resolveContext(context));
  const forms = [...new Set((modes ?? ['forward']).map(resolveMode))];
  const deep = [...new Set((depths ?? [2]).map(resolveDepth))];
  const weightOf = (op: number): number => {
    if (opWeights === undefined) return 1;
    const weight = opWeights[op] ?? 0;
    if (weight >= 0 && Number.isFinite(weight)) return weight;
    throw userError(
      'OP_WEIGHTS',
      'weights of 0 or more',
      `${weight} for op ${op}`,
      'use a finite number of 0 or more',
    );
  };
  for (const op of Object.keys(opWeights ?? {})) {
    if (!opList.includes(Number(op))) {
      throw userError(
        'OP_WEIGHTS',
        `weights for ops ${opList.join(',')} only`,
        `one for ${op}`,
        'add the op to ops',
      );
    }
  }
  checkNames(stories);
  const unique = [...new Map(stories.map((context) => [context.name, context])).values()];
  return normaliseCells(
    unique.flatMap((context) =>
      opList.flatMap((op) =>
        forms.flatMap((mode) => deep.map((depth) => ({ context, op, mode, depth, weight: weightOf(op) }))),
      ),
    ),
  ).filter(({ weight }) => weight > 0);
}

/**
 * The cells that a split may have: the last one all of them, the others those that are not held out.
 * @throws HELD_OUT, CONTEXT_UNKNOWN, DEPTH_UNKNOWN
 */
export function cellsOfSplit(
  cells: readonly MixtureCell[],
  { contexts = [], depths = [] }: HeldOut,
  { name: split, last }: { name: string; last: boolean },
): readonly MixtureCell[] {
  const own = cells.map(({ context }) => context);
  const out = contexts.map((name) => resolveContext(name, own).name);
  const deep = depths.map(resolveDepth);
  if (last || (out.length === 0 && deep.length === 0)) return cells;
  const kept = cells.filter(({ context, depth }) => !deep.includes(depth) && !out.includes(context.name));
  if (kept.length > 0) return kept.length === cells.length ? cells : normaliseCells(kept);
  throw userError(
    'HELD_OUT',
    `contexts and depths for split ${split} that are not held out`,
    'none',
    'add some, or ask for the last split, which has those held out',
  );
}

/** The world as far as a context has names for it. */
export function worldOf(context: Context, world: World): World {
  const smallest = (groups: readonly (readonly string[])[]): number =>
    Math.min(...groups.map((g) => g.length));
  return {
    ...world,
    places: Math.min(world.places, smallest(context.places)),
    categories: Math.min(world.categories, smallest(context.categories)),
  };
}

/** @throws OPS_RANGE */
export function checkOp(world: World, { context, op, depth }: MixtureCell): void {
  const [low, high] = opsOf(world, depth);
  if (op >= low && op <= high) return;
  if (high < low) {
    throw userError(
      'OPS_RANGE',
      `a context with names for at least ${low} operations in world ${world.name}`,
      `${context.alias ?? context.name}, which has them for ${high}`,
      'give it more places or categories',
    );
  }
  const nearest = op < low ? low : high;
  throw userError(
    'OPS_RANGE',
    `ops within ${low}-${high} in world ${world.name} for ${context.alias ?? context.name}`,
    `op ${op}`,
    `use op ${nearest}, the nearest possible`,
  );
}

/** Smallest and largest op of a world. */
export function opsOf(world: World, depth: Depth): [number, number] {
  return [world.ops[0], Math.min(world.ops[1], opLimit(world, depth))];
}

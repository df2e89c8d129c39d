/**
 * A world says how large problems may be: how many places and categories exist, how many operations a
 * question takes, how large numbers get, how much is told that does not matter. The paper's world is one
 * preset; `micro` scales problems down to what a model of about a million parameters learns in minutes.
 */
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import type { Depth } from './quantity.ts';

/** Inclusive range of integers, as `[low, high]`. */
const range = (low: number, high: number) =>
  z
    .tuple([z.int().min(low).max(high), z.int().min(low).max(high)])
    .refine(([a, b]) => a <= b, 'a range [low, high] with low ≤ high');

/** Letters are drawn without replacement from 52, and a graph of op n names at most n of them. */
export const OPS_LIMIT = 50;

export const worldSchema = z.strictObject({
  name: z.string().min(1),
  /** Places and categories that a problem can have (a context may offer fewer names: then fewer). */
  places: z.int().min(1).max(50),
  categories: z.int().min(1).max(50),
  /** Most cells (category in place) of one problem; 20 in the paper (`ip_max`). At depth 3 each is two quantities. */
  cells: z.int().min(2).max(200),
  /** Op counts that this world is meant for; a request outside is refused. */
  ops: range(2, OPS_LIMIT),
  /** Most terms that one sentence combines, its literal constant included; 4 in the paper. */
  terms: z.int().min(2).max(6),
  /** Literal constants: alone in a sentence (null: as in the reference, one of the next two), in `c plus`, in `c times`. */
  leaves: range(1, 1000).nullable(),
  addends: range(1, 1000),
  factors: range(2, 1000),
  /** Every quantity's value is within 1…maxValue; 1000 in the paper. */
  maxValue: z.int().min(2).max(1_000_000),
  /** Quantities told that the answer does not need: a range, or `all` that the structure graph has left. */
  distractors: z.union([z.literal('all'), range(0, 200)]),
});

export type World = z.infer<typeof worldSchema>;

/** The paper's world (PAPER §1.5, §1.6). Ops beyond its 20 extend its schedule. */
export const PAPER_WORLD: World = {
  name: 'paper',
  places: 5,
  categories: 5,
  cells: 20,
  ops: [2, 40],
  terms: 4,
  leaves: null,
  addends: [1, 4],
  factors: [2, 4],
  maxValue: 1000,
  distractors: 'all',
};

/**
 * Short problems over small numbers: 2 × 3 things, and nothing said that does not matter. The range of numbers
 * is what makes the smallest ops different enough: with few numbers an op of 2 has a dozen graphs, and a model learns
 * which numbers go with which graphs (a held-out graph is one whose numbers never did) instead of how to follow them.
 */
export const MICRO_WORLD: World = {
  name: 'micro',
  places: 2,
  categories: 3,
  cells: 6,
  ops: [2, 8],
  terms: 3,
  leaves: [1, 99],
  addends: [1, 9],
  factors: [2, 3],
  maxValue: 300,
  distractors: [0, 0],
};

export const WORLDS: readonly World[] = [PAPER_WORLD, MICRO_WORLD];

/**
 * A checked world from a preset's name or an object.
 * @throws WORLD_UNKNOWN, WORLD_INVALID (names field and bound), WORLD_IMPOSSIBLE (names the nearest value)
 */
export function resolveWorld(world: string | World): World {
  if (typeof world === 'string') {
    const found = WORLDS.find((known) => known.name === world);
    if (found) return found;
    const names = WORLDS.map((known) => known.name).join(', ');
    throw userError('WORLD_UNKNOWN', `a world of ${names}`, `'${world}'`, 'name one of them or give a file');
  }
  const parsed = worldSchema.safeParse(world);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const field = issue.path.join('.') || 'object';
    throw userError('WORLD_INVALID', `a valid world field ${field}`, issue.message, 'correct that field');
  }
  checkPossible(parsed.data);
  return parsed.data;
}

/** Most cells that a problem of this world can have. */
export function cellLimit(world: World): number {
  return Math.min(world.places * world.categories, world.cells);
}

/**
 * The largest op count that is always within reach: every instance quantity on the way to the answer, the one at
 * position i of the solution combining min(terms, i + 1) terms. (Totals on top could add a few; we do not promise them.)
 */
export function opLimit(world: World, depth: Depth = 2): number {
  let ops = 0;
  for (let i = 0; i < cellLimit(world) * (depth - 1); i++) ops += Math.min(world.terms, i + 1);
  return Math.min(ops, OPS_LIMIT);
}

function checkPossible(world: World): void {
  const limit = opLimit(world);
  if (world.ops[1] > limit) {
    throw userError(
      'WORLD_IMPOSSIBLE',
      `ops up to ${limit} with ${cellLimit(world)} cells of ${world.terms} terms`,
      `ops ${world.ops[0]}-${world.ops[1]}`,
      `lower ops to at most ${limit}, or raise places, categories, cells or terms`,
    );
  }
  const lows = { leaves: world.leaves?.[0] ?? 1, addends: world.addends[0] + 1, factors: world.factors[0] };
  for (const [field, low] of Object.entries(lows)) {
    if (low > world.maxValue) {
      throw userError(
        'WORLD_IMPOSSIBLE',
        `maxValue of at least ${low} for ${field} that start there`,
        `maxValue ${world.maxValue}`,
        `raise maxValue to ${low} or lower ${field}`,
      );
    }
  }
}

/**
 * The task source: task `index` of (version, world, mixture, split, seed) is a pure function, so a stream can be
 * entered anywhere, cut among workers and made again at any time.
 */
import { internalError, userError } from '../core/errors.ts';
import { canonicalJson, sha256 } from '../core/hash.ts';
import { type RandomFamily, randomFamily } from '../core/random.ts';
import { type Context, resolveContext } from './contexts.ts';
import { drawSkeleton, type Skeleton } from './dependency.ts';
import { fingerprintText, fingerprintWords, type LabelFreeNode } from './fingerprint.ts';
import { type Mixture, type MixtureCell, normaliseCells, resolveMixture, resolveMode } from './mixture.ts';
import { parseOps } from './ops.ts';
import { renderForward } from './render.ts';
import { DEFAULT_SPLITS, inSplit, type SplitInterval, type Splits, splitInterval } from './splits.ts';
import type { Task } from './types.ts';
import { drawDistractorValues, drawGoldValues } from './values.ts';
import { opLimit, resolveWorld, type World } from './world.ts';

/** Changes whenever any byte of any task does; golden hashes in the tests hold it to that. */
export const GENERATOR_VERSION = '1';

export interface TaskSourceOptions {
  /** A preset's name or a world of one's own; `paper` by default. */
  world?: string | World;
  /** Names, aliases or objects; all three of the paper by default. */
  contexts?: readonly (string | Context)[];
  /** Op counts: `2-10`, `2,4,6-8` or numbers; by default the world's, up to 10. */
  ops?: string | readonly number[];
  /** Weight of each op; equal when absent. */
  opWeights?: Readonly<Record<number, number>>;
  /** Only `forward` in this version. */
  modes?: readonly string[];
  /** Instead of contexts, ops, opWeights and modes. */
  mixture?: Mixture;
  /** `train` by default. */
  split?: string;
  /** Names and shares of the splits; train 80, val 10, test 10 by default. */
  splits?: Splits;
  /** 1 by default. */
  seed?: number;
}

/** How much was drawn again so far; a source that had to do much of it serves a small split. */
export interface DrawCounts {
  tasks: number;
  graphs: number;
  values: number;
  /** Distractors that became a plain constant because nothing else fitted. */
  simplified: number;
}

export interface TaskSource extends Iterable<Task> {
  readonly world: World;
  readonly cells: readonly MixtureCell[];
  readonly split: string;
  readonly seed: number;
  /** Identity of everything but split, seed and index; part of each task's id. */
  readonly key: string;
  readonly counts: Readonly<DrawCounts>;
  /** Task `index` ≥ 0, always the same. */
  at(index: number): Task;
  /** Tasks from…from + count − 1. */
  take(count: number, from?: number): Task[];
}

/** Values are drawn up to this often for one graph, graphs up to this often for one task. */
const VALUE_DRAWS = 8;
const GRAPH_DRAWS = 512;

/**
 * A stream of tasks. All settings are checked here, before anything is drawn.
 * @throws the errors of world, mixture, contexts, ops and splits; OPS_RANGE, SPLIT_UNSERVED, SEED_INVALID
 */
export function createTaskSource(options: TaskSourceOptions = {}): TaskSource {
  const world = resolveWorld(options.world ?? 'paper');
  const cells = resolveCells(options, world);
  const splits = options.splits ?? DEFAULT_SPLITS;
  const split = options.split ?? 'train';
  const seed = options.seed ?? 1;
  if (!Number.isSafeInteger(seed)) {
    throw userError('SEED_INVALID', 'an integer seed', String(seed), 'use an integer');
  }
  const interval = splitInterval(splits, split);
  const worlds = new Map(cells.map(({ context }) => [context, worldOf(context, world)]));
  for (const { context, op } of cells) checkOp(worlds.get(context)!, context, op);
  // Splits as a list: their order says which part of the fingerprint space each takes.
  const key = sha256(canonicalJson({ world, cells, splits: Object.entries(splits) }), 8);
  const counts: DrawCounts = { tasks: 0, graphs: 0, values: 0, simplified: 0 };
  checkServed(cells, worlds, interval);

  const family = randomFamily('task', GENERATOR_VERSION, key, split, seed);
  const bounds = cumulate(cells);

  const at = (index: number): Task => {
    if (!Number.isSafeInteger(index) || index < 0) {
      throw userError('TASK_INDEX', 'a task index of 0 or more', String(index), 'use an integer');
    }
    const cell = cells[lookUp(bounds, family.at(index).uniform())]!;
    const drawn = drawInSplit(family, index, worlds.get(cell.context)!, cell.op, interval, counts);
    if (drawn === null) throw unserved(interval, cell.op, 'a larger op');
    const { skeleton, words } = drawn;
    const text = family.at(index, TEXT);
    counts.simplified += drawDistractorValues(text, world, skeleton);
    const { problem, question, solution, graph } = renderForward(text, cell.context, skeleton);
    counts.tasks++;
    return {
      problem,
      question,
      solution,
      op: cell.op,
      id: `${GENERATOR_VERSION}-${key}-${split}-${seed}-${index}`,
      template: cell.context.name,
      mode: cell.mode,
      length: 'zero_context',
      d: 2,
      graph,
      split,
      seed,
      index,
      version: GENERATOR_VERSION,
      fingerprint: fingerprintText(words),
    };
  };
  return {
    world,
    cells,
    split,
    seed,
    key,
    counts,
    at,
    take: (count, from = 0) => Array.from({ length: count }, (_, i) => at(from + i)),
    *[Symbol.iterator]() {
      for (let index = 0; ; index++) yield at(index);
    },
  };
}

/** Sub-streams of one index: 0 chooses the cell, TEXT names and words, the rest belong to the attempts. */
const TEXT = 1;
const attemptStream = (graph: number, values: number): number => 2 + graph * (VALUE_DRAWS + 1) + values;

/**
 * Draws a graph and its numbers until the fingerprint lies in the split: first other numbers, then another
 * graph, each attempt from its own sub-stream. Null when the bound is reached.
 */
function drawInSplit(
  family: RandomFamily,
  index: number,
  world: World,
  op: number,
  interval: SplitInterval,
  counts: DrawCounts,
): { skeleton: Skeleton; words: [number, number] } | null {
  for (let graph = 0; graph < GRAPH_DRAWS; graph++) {
    const skeleton = drawSkeleton(family.at(index, attemptStream(graph, 0)), world, op);
    counts.graphs++;
    for (let values = 1; values <= VALUE_DRAWS; values++) {
      counts.values++;
      if (!drawGoldValues(family.at(index, attemptStream(graph, values)), world, skeleton)) continue;
      const words = fingerprintWords(labelFree(skeleton), skeleton.gold.length - 1);
      if (inSplit(interval, words)) return { skeleton, words };
    }
  }
  return null;
}

/** The gold graph by positions. */
function labelFree({ gold, quantities }: Skeleton): LabelFreeNode[] {
  const position = new Int32Array(quantities.length);
  return gold.map((id, i) => {
    position[id] = i;
    const { kind, operation, hasConstant, constant, parents } = quantities[id]!;
    return {
      kind,
      operation,
      constant: hasConstant ? constant : undefined,
      parents: parents.map((parent) => position[parent]!),
    };
  });
}

function resolveCells(options: TaskSourceOptions, world: World): MixtureCell[] {
  const { mixture, contexts, ops, opWeights, modes } = options;
  if (mixture !== undefined) {
    const clash = Object.entries({ contexts, ops, opWeights, modes }).find(
      ([, value]) => value !== undefined,
    );
    if (clash) {
      throw userError(
        'OPTION_CONFLICT',
        'a mixture or contexts, ops and modes',
        `a mixture and ${clash[0]}`,
        `leave one of the two out`,
      );
    }
    return resolveMixture(mixture);
  }
  // The paper's in-distribution range, as far as the world reaches.
  const opList = parseOps(ops ?? `${world.ops[0]}-${Math.max(world.ops[0], Math.min(world.ops[1], 10))}`);
  const stories = (contexts ?? ['zoo', 'school', 'festival']).map(resolveContext);
  const forms = (modes ?? ['forward']).map(resolveMode);
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
  const unique = [...new Set(stories)];
  return normaliseCells(
    unique.flatMap((context) =>
      opList.flatMap((op) =>
        [...new Set(forms)].map((mode) => ({ context, op, mode, weight: weightOf(op) })),
      ),
    ),
  ).filter(({ weight }) => weight > 0);
}

/** The world as far as a context has names for it. */
function worldOf(context: Context, world: World): World {
  const smallest = (groups: readonly (readonly string[])[]): number =>
    Math.min(...groups.map((g) => g.length));
  return {
    ...world,
    places: Math.min(world.places, smallest(context.places)),
    categories: Math.min(world.categories, smallest(context.categories)),
  };
}

function checkOp(world: World, context: Context, op: number): void {
  const [low, high] = [world.ops[0], Math.min(world.ops[1], opLimit(world))];
  if (op >= low && op <= high) return;
  const nearest = op < low ? low : high;
  throw userError(
    'OPS_RANGE',
    `ops within ${low}-${high} in world ${world.name} for ${context.alias ?? context.name}`,
    `op ${op}`,
    `use op ${nearest}, the nearest possible`,
  );
}

/** Refuses a split that an op cannot serve (too few graphs, or numbers that do not fit), naming the nearest that can. */
function checkServed(
  cells: readonly MixtureCell[],
  worlds: ReadonlyMap<Context, World>,
  interval: SplitInterval,
): void {
  const ignored: DrawCounts = { tasks: 0, graphs: 0, values: 0, simplified: 0 };
  const family = randomFamily('task-probe', GENERATOR_VERSION);
  const served = (world: World, op: number): boolean =>
    drawInSplit(family, op, world, op, interval, ignored) !== null;
  const tried = new Set<string>();
  for (const { context, op } of cells) {
    const world = worlds.get(context)!;
    const name = `${op} ${world.places} ${world.categories}`;
    if (tried.has(name)) continue;
    tried.add(name);
    if (served(world, op)) continue;
    const high = Math.min(world.ops[1], opLimit(world));
    for (let distance = 1; distance <= high; distance++) {
      for (const other of [op + distance, op - distance]) {
        if (other >= world.ops[0] && other <= high && served(world, other)) {
          throw unserved(interval, op, `op ${other}, the nearest that can be served`);
        }
      }
    }
    throw unserved(interval, op, 'another world: none of its ops can be served');
  }
}

function unserved(interval: SplitInterval, op: number, nearest: string): Error {
  return userError(
    'SPLIT_UNSERVED',
    `graphs of op ${op} in split ${interval.name}`,
    `none in ${GRAPH_DRAWS} graphs`,
    `use ${nearest}, or raise the split's share, the constants or maxValue`,
  );
}

function cumulate(cells: readonly MixtureCell[]): Float64Array {
  const bounds = new Float64Array(cells.length);
  let sum = 0;
  for (let i = 0; i < cells.length; i++) {
    sum += cells[i]!.weight;
    bounds[i] = sum;
  }
  return bounds;
}

/** First cell whose upper bound lies above u. */
function lookUp(bounds: Float64Array, u: number): number {
  const target = u * bounds[bounds.length - 1]!;
  let low = 0;
  let high = bounds.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! > target) high = middle;
    else low = middle + 1;
  }
  if (low >= bounds.length) throw internalError('no cell for a draw');
  return low;
}

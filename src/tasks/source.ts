/**
 * The task source: task `index` of (version, world, mixture, split, seed) is a pure function, so a stream can be
 * entered anywhere, cut among workers and made again at any time.
 */
import { userError } from '../core/errors.ts';
import { canonicalJson, sha256 } from '../core/hash.ts';
import { type RandomFamily, randomFamily } from '../core/random.ts';
import {
  type CellOptions,
  cellsOfSplit,
  checkOp,
  type HeldOut,
  opsOf,
  resolveCells,
  worldOf,
} from './cells.ts';
import type { Context } from './contexts.ts';
import { drawSkeleton, type Skeleton } from './dependency.ts';
import {
  DEFAULT_IDENTITY,
  fingerprintText,
  fingerprintWords,
  type Identity,
  type LabelFreeNode,
} from './fingerprint.ts';
import type { MixtureCell } from './mixture.ts';
import { checkOptions } from './options.ts';
import { renderTask } from './render.ts';
import {
  DEFAULT_SPLITS,
  inSplit,
  type SplitInterval,
  type Splits,
  splitInterval,
  splitShares,
} from './splits.ts';
import type { Task } from './types.ts';
import { drawDistractorValues, drawGoldValues } from './values.ts';
import { resolveWorld, type World } from './world.ts';

/** Changes whenever any byte of any task does; golden hashes in the tests hold it to that. */
export const GENERATOR_VERSION = '2';

export interface TaskSourceOptions extends CellOptions {
  /** A preset's name or a world of one's own; `paper` by default. */
  world?: string | World;
  /** `train` by default. */
  split?: string;
  /** Names and shares of the splits; train 80, val 10, test 10 by default. */
  splits?: Splits;
  /** What the fingerprint sees, by which splits are disjoint; {@link DEFAULT_IDENTITY} where absent. */
  identity?: Partial<Identity>;
  /** Kinds of tasks that only the last split has. */
  heldOut?: HeldOut;
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
  /** The same as `at(index)`. */
  readonly [index: number]: Task;
}

/** Values are drawn up to this often for one graph, graphs up to this often for one task. */
const VALUE_DRAWS = 8;
const GRAPH_DRAWS = 512;

/**
 * A stream of tasks. All settings are checked here, before anything is drawn.
 * @throws TASK_OPTIONS; the errors of world, mixture, contexts, ops and splits; OPS_RANGE, SPLIT_UNSERVED, HELD_OUT, SEED_INVALID
 */
export function createTaskSource(options: TaskSourceOptions = {}): TaskSource {
  checkOptions(options);
  const world = resolveWorld(options.world ?? 'paper');
  const splits = options.splits ?? DEFAULT_SPLITS;
  const split = options.split ?? 'train';
  const seed = options.seed ?? 1;
  if (!Number.isSafeInteger(seed)) {
    throw userError('SEED_INVALID', 'an integer seed', String(seed), 'use an integer');
  }
  const interval = splitInterval(splits, split);
  const { values, query, context } = DEFAULT_IDENTITY;
  const identity: Identity = {
    values: options.identity?.values ?? values,
    query: options.identity?.query ?? query,
    context: options.identity?.context ?? context,
  };
  const all = resolveCells(options, world);
  const cells = cellsOfSplit(all, options.heldOut ?? {}, interval);
  const worlds = new Map(cells.map(({ context }) => [context, worldOf(context, world)]));
  for (const cell of cells) checkOp(worlds.get(cell.context)!, cell);
  const key = keyOf(world, cells, splits, identity);
  const counts: DrawCounts = { tasks: 0, graphs: 0, values: 0, simplified: 0 };
  const settings: DrawSettings = { interval, identity, counts };
  checkServed(cells, worlds, settings);

  const family = randomFamily('task', GENERATOR_VERSION, key, split, seed);
  const bounds = cumulate(cells);

  const at = (index: number): Task => {
    if (!Number.isSafeInteger(index) || index < 0) {
      throw userError('TASK_INDEX', 'a task index of 0 or more', String(index), 'use an integer');
    }
    const cell = cells[lookUp(bounds, family.at(index).uniform())]!;
    const drawn = drawInSplit(family, index, worlds.get(cell.context)!, cell, settings);
    if (drawn === null) throw unserved(interval, cell, 'a larger op');
    const { skeleton, words } = drawn;
    const text = family.at(index, TEXT);
    counts.simplified += drawDistractorValues(text, world, skeleton);
    const { problem, question, solution, graph } = renderTask(text, cell.context, skeleton);
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
      d: cell.depth,
      graph,
      split,
      seed,
      index,
      version: GENERATOR_VERSION,
      fingerprint: fingerprintText(words),
    };
  };
  const source: Omit<TaskSource, number> = {
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
  return new Proxy(source, {
    get: (target, name) =>
      typeof name === 'string' && /^\d+$/.test(name) ? at(Number(name)) : Reflect.get(target, name),
  }) as TaskSource;
}

/** Identity of everything but split, seed and index. Settings that are as they always were leave no trace in it. */
function keyOf(world: World, cells: readonly MixtureCell[], splits: Splits, identity: Identity): string {
  const usual = canonicalJson(identity) === canonicalJson(DEFAULT_IDENTITY);
  return sha256(
    canonicalJson({
      world,
      cells: cells.map(({ depth, ...cell }) => (depth === 2 ? cell : { ...cell, depth })),
      // As a list: the order says which part of the fingerprint space each split takes.
      splits: splitShares(splits),
      ...(usual ? {} : { identity }),
    }),
    8,
  );
}

/** Sub-streams of one index: 0 chooses the cell, TEXT names and words, the rest belong to the attempts. */
const TEXT = 1;
const attemptStream = (graph: number, values: number): number => 2 + graph * (VALUE_DRAWS + 1) + values;

interface DrawSettings {
  interval: SplitInterval;
  identity: Identity;
  counts: DrawCounts;
}

/**
 * Draws a graph and its numbers until the fingerprint lies in the split: first other numbers, then another
 * graph, each attempt from its own sub-stream. Null when the bound is reached.
 */
function drawInSplit(
  family: RandomFamily,
  index: number,
  world: World,
  { context, op, mode, depth }: MixtureCell,
  { interval, identity, counts }: DrawSettings,
): { skeleton: Skeleton; words: [number, number] } | null {
  for (let graph = 0; graph < GRAPH_DRAWS; graph++) {
    const skeleton = drawSkeleton(family.at(index, attemptStream(graph, 0)), world, op, mode, depth);
    counts.graphs++;
    if (skeleton === null) continue;
    const query = skeleton.gold.indexOf(skeleton.unknown ?? skeleton.gold[skeleton.gold.length - 1]!);
    let mayCancel = true;
    for (let values = 1; values <= VALUE_DRAWS; values++) {
      counts.values++;
      const stream = family.at(index, attemptStream(graph, values));
      if (!drawGoldValues(stream, world, skeleton, mayCancel)) {
        mayCancel = false;
        continue;
      }
      const words = fingerprintWords(labelFree(skeleton), query, context.name, identity);
      if (inSplit(interval, words)) return { skeleton, words };
    }
  }
  return null;
}

/** The gold graph by positions. */
function labelFree({ gold, quantities, unknown }: Skeleton): LabelFreeNode[] {
  const position = new Int32Array(quantities.length);
  return gold.map((id, i) => {
    position[id] = i;
    const { kind, operation, hasConstant, constant, value, parents } = quantities[id]!;
    return {
      kind,
      operation,
      constant: id === unknown ? value : hasConstant ? constant : undefined,
      parents: parents.map((parent) => position[parent]!),
    };
  });
}

/** Refuses a split that an op cannot serve (too few graphs, or numbers that do not fit), naming the nearest that can. */
function checkServed(
  cells: readonly MixtureCell[],
  worlds: ReadonlyMap<Context, World>,
  settings: DrawSettings,
): void {
  const counts: DrawCounts = { tasks: 0, graphs: 0, values: 0, simplified: 0 };
  const family = randomFamily('task-probe', GENERATOR_VERSION);
  const served = (cell: MixtureCell): boolean =>
    drawInSplit(family, cell.op, worlds.get(cell.context)!, cell, { ...settings, counts }) !== null;
  const tried = new Set<string>();
  for (const cell of cells) {
    const { context, op, mode, depth } = cell;
    const world = worlds.get(context)!;
    const name = `${op} ${mode} ${depth} ${world.places} ${world.categories} ${settings.identity.context ? context.name : ''}`;
    if (tried.has(name)) continue;
    tried.add(name);
    if (served(cell)) continue;
    const [low, high] = opsOf(world, depth);
    for (let distance = 1; distance <= high; distance++) {
      for (const other of [op + distance, op - distance]) {
        if (other >= low && other <= high && served({ ...cell, op: other })) {
          throw unserved(settings.interval, cell, `op ${other}, the nearest that can be served`);
        }
      }
    }
    throw unserved(settings.interval, cell, 'another world: none of its ops can be served');
  }
}

function unserved(interval: SplitInterval, { op }: MixtureCell, nearest: string): Error {
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
  return low;
}

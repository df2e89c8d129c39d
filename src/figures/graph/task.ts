/** Records drawn as they are: a task's graph, a response beside it, many responses or tasks on one page. */
import { compareGraphs } from '../../analysis/compareGraphs.ts';
import {
  goldGraph,
  normalizeName,
  parseSolution,
  splitGold,
  splitResponse,
  type VerifiableTask,
  type WrittenStep,
} from '../../verify/index.ts';
import { drawGraph, drawGraphPair } from './draw.ts';
import type { GraphFigure } from './figure.ts';
import { drawGraphGrid, type GraphCell, type GraphGridOptions } from './grid.ts';
import { distractorsOf, sentencesByName } from './statements.ts';
import type { DrawableGraph, GraphOptions, GraphPairOptions, NodeDetail } from './types.ts';

/** The fields of a record that are drawn; a record of the public reference, which has no graph, is one. */
export type DrawableTask = VerifiableTask & { problem: string; id?: string; op?: number };

/** {@link GraphOptions} for records, whose texts and distractors come from the record. */
export type TaskOptions<Options extends GraphOptions> = Omit<Options, 'details' | 'distractors'> & {
  /** Whether what the problem states and the answer does not need is drawn too. */
  distractors?: boolean;
};

/**
 * The gold graph of a task; a node shows its sentence and its step where the pointer rests.
 * @throws GOLD_UNPARSEABLE, GOLD_GRAPH for a record without a readable gold solution
 */
export function drawTask(task: DrawableTask, options: TaskOptions<GraphOptions> = {}): GraphFigure {
  const gold = goldGraph(task);
  return drawGraph(gold, { ...textOptions(task, gold, options), details: detailsOf(task) });
}

/**
 * A response's graph beside the gold one, each node with its verdict by the rules of verification (docs/metrics.md);
 * where the pointer rests, the problem's sentence, the gold step and the response's.
 * @throws GOLD_UNPARSEABLE, GOLD_GRAPH
 */
export function drawResponse(
  task: DrawableTask,
  response: string,
  options: TaskOptions<GraphPairOptions> = {},
): GraphFigure {
  const gold = goldGraph(task);
  const predicted = parseSolution(response);
  return drawGraphPair(gold, predicted, compareGraphs(gold, predicted), {
    ...textOptions(task, gold, options),
    details: detailsOf(task, response),
  });
}

/** Responses to one task in small, a quantity at the same place in all. @throws GOLD_UNPARSEABLE, GOLD_GRAPH */
export function drawResponses(
  task: DrawableTask,
  responses: readonly string[],
  options: GraphGridOptions = {},
): GraphFigure {
  const gold = goldGraph(task);
  const cells = responses.map((response, i): GraphCell => {
    const predicted = parseSolution(response);
    const comparison = compareGraphs(gold, predicted);
    const title = `Response ${i + 1}`;
    return { gold, predicted, comparison, title, details: detailsOf(task, response) };
  });
  return drawGraphGrid(cells, options);
}

/** Gold graphs of several tasks in small. @throws GOLD_UNPARSEABLE, GOLD_GRAPH */
export function drawTasks(tasks: readonly DrawableTask[], options: GraphGridOptions = {}): GraphFigure {
  const cells = tasks.map((task, i): GraphCell => {
    const title = task.op === undefined ? `Task ${i + 1}` : `op ${task.op}`;
    return { gold: goldGraph(task), title, details: detailsOf(task) };
  });
  return drawGraphGrid(cells, options);
}

/** Options of a drawing with the distractors as quantities. */
function textOptions<Options extends GraphOptions>(
  task: DrawableTask,
  gold: DrawableGraph,
  { distractors, ...options }: TaskOptions<Options>,
): Omit<TaskOptions<Options>, 'distractors'> & Pick<GraphOptions, 'distractors'> {
  return { ...options, ...(distractors ? { distractors: distractorsOf(task.problem, gold) } : {}) };
}

/** What the texts say of each quantity. */
export function detailsOf(task: DrawableTask, response?: string): Map<string, NodeDetail> {
  const details = new Map<string, NodeDetail>();
  const add = (name: string, detail: NodeDetail) => {
    details.set(normalizeName(name), { ...detail, ...details.get(normalizeName(name)) });
  };
  for (const [name, sentence] of sentencesByName(task.problem)) add(name, { sentence });
  for (const [name, gold] of stepsByName(splitGold(task.solution).steps)) {
    add(name, { gold });
    if (/^total /.test(name)) add(name, { sentence: 'not stated; the total is to be formed' });
  }
  if (response !== undefined) {
    for (const [name, text] of stepsByName(splitResponse(response).steps)) add(name, { response: text });
  }
  return details;
}

/** Steps by what they define; of a name that is defined again, all of them. */
function stepsByName(steps: readonly WrittenStep[]): Map<string, string> {
  const byName = new Map<string, string>();
  for (const { name, text } of steps) {
    if (name === undefined) continue;
    const earlier = byName.get(name);
    byName.set(name, earlier === undefined ? text : `${earlier} … ${text}`);
  }
  return byName;
}

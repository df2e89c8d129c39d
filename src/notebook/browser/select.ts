/** Which of many samples to put on one page. */
import type { EvaluationIndex } from './evaluation.ts';
import { SAMPLE_VERDICTS, type SampleVerdict } from './verdicts.ts';

/** Samples of one problem that a turn gives: enough to set a right one beside a wrong one. */
export const SAMPLES_A_TURN = 3;

/**
 * At most `limit` of the positions, spread: ops take turns, and in each op its contexts and modes. A turn gives up to
 * {@link SAMPLES_A_TURN} samples of one problem with different verdicts, those first that were chosen least so far;
 * problems with the most different verdicts come first. Deterministic; the result is
 * sorted by op, context and mode.
 */
export function spread(evaluation: EvaluationIndex, positions: Uint32Array, limit: number): Uint32Array {
  if (positions.length <= limit) return sorted(evaluation, positions);
  const groups = inTurns(groupsOf(evaluation, positions));
  const taken = new Map<SampleVerdict, number>(SAMPLE_VERDICTS.map((verdict) => [verdict, 0]));
  const chosen: number[] = [];
  while (chosen.length < limit) {
    for (const problems of groups) chosen.push(...takeTurn(problems, taken));
  }
  return sorted(evaluation, Uint32Array.from(chosen.slice(0, limit)));
}

/** By op, context and mode, otherwise in task order. */
function sorted(evaluation: EvaluationIndex, positions: Uint32Array): Uint32Array {
  const taskOf = (at: number) => evaluation.tasks[evaluation.key(at).taskIndex]!;
  const cell = ({ template, mode }: { template: string; mode: string }) => `${template} ${mode}`;
  return positions.toSorted((a, b) => {
    const [first, second] = [taskOf(a), taskOf(b)];
    if (first.op !== second.op) return first.op - second.op;
    if (cell(first) !== cell(second)) return cell(first) < cell(second) ? -1 : 1;
    return a - b;
  });
}

/** The `page`-th (from 1) `limit` positions. */
export function pageOf(positions: Uint32Array, limit: number, page: number): Uint32Array {
  return positions.subarray((page - 1) * limit, page * limit);
}

/** Samples of one problem that are not chosen yet, by verdict. */
type Problem = Map<SampleVerdict, number[]>;

/** Problems of each op, and in it of each context and mode. */
function groupsOf(evaluation: EvaluationIndex, positions: Uint32Array): Map<string, Problem[]>[] {
  const byTask = new Map<number, Problem>();
  for (const at of positions) {
    const { taskIndex, verdict } = evaluation.key(at);
    const problem = entry(byTask, taskIndex, () => new Map());
    entry(problem, verdict, () => []).push(at);
  }
  const byOp = new Map<number, Map<string, Problem[]>>();
  for (const [taskIndex, problem] of byTask) {
    const { op, template, mode } = evaluation.tasks[taskIndex]!;
    const cells = entry(byOp, op, () => new Map<string, Problem[]>());
    entry(cells, `${template} ${mode}`, () => []).push(problem);
  }
  for (const cells of byOp.values()) {
    for (const problems of cells.values()) problems.sort((a, b) => b.size - a.size);
  }
  return [...byOp.entries()].sort(([a], [b]) => a - b).map(([, cells]) => cells);
}

/** The first cell of every op, then the second of every op, and so on. */
function inTurns(byOp: readonly Map<string, Problem[]>[]): Problem[][] {
  const lists = byOp.map((cells) => [...cells.values()]);
  const most = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: most }, (_, i) => lists.flatMap((cells) => cells.slice(i, i + 1))).flat();
}

/** Samples of the first problem, which goes to the end of the line. */
function takeTurn(problems: Problem[], taken: Map<SampleVerdict, number>): number[] {
  const problem = problems.shift();
  if (problem === undefined) return [];
  const verdicts = [...problem.keys()].sort((a, b) => taken.get(a)! - taken.get(b)!).slice(0, SAMPLES_A_TURN);
  const chosen = verdicts.map((verdict) => {
    const samples = problem.get(verdict)!;
    taken.set(verdict, taken.get(verdict)! + 1);
    const at = samples.shift()!;
    if (samples.length === 0) problem.delete(verdict);
    return at;
  });
  if (problem.size > 0) problems.push(problem);
  return chosen;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

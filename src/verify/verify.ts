/** One response against one task: the verdict record. */
import { compare } from './compare.ts';
import { verifyAsReference } from './compatible/verdict.ts';
import { type Gold, prepareGold } from './gold.ts';
import { rewardsOf } from './rewards.ts';
import { parseSolution } from './solution.ts';
import type { ErrorType, Verdict, VerifiableTask } from './types.ts';

export interface VerifyOptions {
  /** The sampler stopped at the length limit. A number in an unclosed answer may then be half a number. */
  truncated?: boolean;
}

/**
 * Judges a response. Pass a prepared {@link Gold} to judge many responses of one task. Pure; any response is
 * judged, only an unreadable gold throws.
 * @throws userError GOLD_UNPARSEABLE, GOLD_GRAPH
 */
export function verify(
  task: VerifiableTask | Gold,
  response: string,
  { truncated = false }: VerifyOptions = {},
): Verdict {
  const gold = 'parents' in task ? task : preparedOnce(task);
  const predicted = parseSolution(response);
  const comparison = compare(gold, predicted);
  const { report, processAccuracy } = comparison;
  const usable = !(truncated && predicted.answerUnclosed);
  const answerCorrect =
    usable && predicted.answer !== null && Math.abs(predicted.answer - gold.graph.answer) <= 1e-6;
  const parsed = predicted.steps.length > 0;

  const errors: ErrorType[] = [];
  if (report.missing_nodes.length > 0) errors.push('missing_nodes');
  if (report.extra_nodes.length > 0) errors.push('extra_nodes');
  if (report.value_mismatch.length > 0) errors.push('value_mismatch');
  if (report.dependency_mismatch.length > 0) errors.push('dependency_mismatch');
  if (!answerCorrect) errors.push('answer_mismatch');
  if (!parsed) errors.push('unparsed');
  if (truncated) errors.push('truncated');

  return {
    extracted_answer: predicted.answerText,
    answer_correct: answerCorrect,
    parsed,
    process_accuracy: processAccuracy,
    verified: processAccuracy === 1 && answerCorrect,
    errors,
    first_error: comparison.firstError,
    report,
    rewards: rewardsOf(answerCorrect, processAccuracy),
    compatible: verifyAsReference(gold.compatible, response),
  };
}

/** Many responses of one task object share its preparation; another solution or graph in it is noticed. */
const prepared = new WeakMap<VerifiableTask, { solution: string; graph: unknown; gold: Gold }>();

function preparedOnce(task: VerifiableTask): Gold {
  const known = prepared.get(task);
  if (known !== undefined && known.solution === task.solution && known.graph === task.graph)
    return known.gold;
  const gold = prepareGold(task);
  prepared.set(task, { solution: task.solution, graph: task.graph, gold });
  return gold;
}

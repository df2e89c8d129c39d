/** Whether a group of responses to one prompt teaches anything. */

export type GroupKind = 'all_correct' | 'all_wrong' | 'mixed';

/** The kind of a group by whether each of its answers is right; verl and TRL log these apart (METHODS §6.5). */
export function groupKind(correct: readonly boolean[]): GroupKind {
  if (correct.every((right) => right)) return 'all_correct';
  return correct.some((right) => right) ? 'mixed' : 'all_wrong';
}

/**
 * Whether a group's values differ at all. By exact equality over the whole group: a floating standard deviation of
 * equal values may not be 0, and the others of a response may be equal where the group is not (METHODS §6.5). Values
 * of NaN, responses that could not be scored, do not count.
 */
export function hasSignal(values: readonly number[]): boolean {
  const scored = values.filter((value) => !Number.isNaN(value));
  return scored.some((value) => value !== scored[0]);
}

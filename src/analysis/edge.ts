/** Edge of competence: problems that a model solves sometimes, but not reliably. */
import { userError } from '../core/errors.ts';
import { isRight, passAtK, type SampleRow, type Verifier } from '../evaluate/index.ts';
import { type TaskRecord, taskIds } from '../tasks/index.ts';

export interface EdgeOptions {
  /** Samples of the second condition; every problem needs at least as many. */
  k: number;
  /** pass@1 is at most this. */
  atMost: number;
  /** pass@k is at least this. */
  atLeast: number;
  /** Default `verified`. */
  verifier?: Verifier;
}

/**
 * Ids of the tasks at the edge of competence, pass@1 ≤ τ₁ and pass@k ≥ τ_k, in the order of their first row: what
 * an RL set is selected by.
 * @throws userError EDGE_SAMPLES when a problem has fewer than k samples (its pass@k is not known)
 */
export function edgeOfCompetence(rows: readonly SampleRow[], options: EdgeOptions): string[] {
  const { k, atMost, atLeast, verifier = 'verified' } = options;
  const counts = new Map<string, { n: number; c: number }>();
  for (const row of rows) {
    const count = counts.get(row.task_id) ?? { n: 0, c: 0 };
    counts.set(row.task_id, count);
    count.n++;
    if (isRight(row, verifier)) count.c++;
  }
  return [...counts].flatMap(([id, { n, c }]) => {
    if (n < k) {
      throw userError(
        'EDGE_SAMPLES',
        `at least ${k} samples of every task`,
        `${n} of ${id}`,
        'lower k or sample more',
      );
    }
    return passAtK(n, c, 1) <= atMost && passAtK(n, c, k) >= atLeast ? [id] : [];
  });
}

/**
 * The records of some task ids, in the order of `tasks`: the RL set itself. `tasks` are those that were evaluated, or more.
 * @throws userError EDGE_TASKS when an id is not among them
 */
export function selectTasks(ids: readonly string[], tasks: readonly TaskRecord[]): TaskRecord[] {
  const wanted = new Set(ids);
  const names = taskIds(tasks);
  const selected = tasks.filter((_, i) => wanted.delete(names[i]!));
  const [missing] = wanted;
  if (missing === undefined) return selected;
  throw userError(
    'EDGE_TASKS',
    'task files that hold every task at the edge',
    `no ${missing}${wanted.size > 1 ? ` (and ${wanted.size - 1} more)` : ''}`,
    'name the files that the evaluation was made with',
  );
}

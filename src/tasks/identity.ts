/** What a task is called in samples and random streams. */
import { sha256 } from '../core/hash.ts';
import type { ReferenceTask, Task } from './types.ts';

/**
 * An id for every task, the same wherever the task stands. Ours are unique as they are; the reference has 23 ids in
 * all (PAPER §1.6), so its records are named by id and content, exact copies by a number behind.
 */
export function taskIds(tasks: readonly (ReferenceTask & Partial<Task>)[]): string[] {
  const copies = new Map<string, number>();
  return tasks.map((task) => {
    if (task.version !== undefined) return task.id;
    const name = `${task.id}~${sha256(JSON.stringify([task.problem, task.question, task.solution]), 12)}`;
    const copy = (copies.get(name) ?? 0) + 1;
    copies.set(name, copy);
    return copy === 1 ? name : `${name}~${copy}`;
  });
}

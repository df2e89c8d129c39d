/**
 * Leaving out what a stream has given before. A duplicate is skipped and the stream goes on, so an index of the
 * stream that is left out is a gap, and every task that is kept can still be made again by its index.
 */
import { type Digest, DigestSet, digest64 } from '../core/digests.ts';
import { userError } from '../core/errors.ts';
import type { TaskSource } from './source.ts';
import type { GraphNode, Task } from './types.ts';

/**
 * What makes two tasks the same, from the narrowest to the widest sense:
 * - `text`: problem, question and solution but for white space (the paper's rule, PAPER §1.11);
 * - `problem`: the same sentences in any order, and the same question; letters of the solution do not count;
 * - `core`: the same question and gold graph with its names and numbers; distractors do not count;
 * - `graph`: the same fingerprint (as the source's `identity` has it), mode and depth; names do not count.
 */
export const UNIQUE_BY = ['text', 'problem', 'core', 'graph'] as const;

export type UniqueBy = (typeof UNIQUE_BY)[number];

/** @throws UNIQUE_KIND when the name is none of {@link UNIQUE_BY} */
export function checkUniqueBy(name: string): UniqueBy {
  const found = UNIQUE_BY.find((known) => known === name);
  if (found !== undefined) return found;
  const names = UNIQUE_BY.join(', ');
  throw userError('UNIQUE_KIND', `one of ${names}`, `'${name}'`, `use one of ${names}`);
}

/** Tasks of one kind have the same identity exactly when they are the same in that sense. */
export function identityText(task: Task, by: UniqueBy): string {
  switch (by) {
    case 'text':
      return [task.problem, task.question, task.solution].map(plain).join('\n');
    case 'problem':
      return [plain(task.question), ...sentences(task.problem).sort()].join('\n');
    case 'core':
      return [task.question, ...task.graph.nodes.map(nodeText).sort()].join('\n');
    case 'graph':
      return `${task.fingerprint} ${task.mode} ${task.d}`;
  }
}

/** 64 bits of {@link identityText}. */
export function taskDigest(task: Task, by: UniqueBy): Digest {
  return digest64(identityText(task, by));
}

/** White space as one space, none at the ends. Most texts are so already, which is quicker seen than done. */
function plain(text: string): string {
  const trimmed = text.trim();
  return /\s\s|[^\S ]/.test(trimmed) ? trimmed.replace(/\s+/g, ' ') : trimmed;
}

function sentences(problem: string): string[] {
  return plain(problem).replace(/\.$/, '').split('. ');
}

/** A node with its names; the order of parents counts where the operation has one. */
function nodeText({ name, value, operation, constant, dependencies }: GraphNode): string {
  let parents = dependencies;
  if (operation === 'sum_of_products') parents = pairs(dependencies).sort();
  else if (!operation.endsWith('difference')) parents = [...dependencies].sort();
  return `${name} = ${value}: ${operation} ${constant ?? ''} ${parents.join('; ')}`;
}

function pairs(names: readonly string[]): string[] {
  return Array.from({ length: names.length / 2 }, (_, i) =>
    [names[2 * i], names[2 * i + 1]].sort().join(' * '),
  );
}

/**
 * So many duplicates in a row end the search: less than one task in this many is then new (if there are new ones
 * at all), and every further one would take longer than the last.
 */
export const MOST_DUPLICATES = 30_000;

/** Admits each digest once, in the order of the stream. */
export class UniqueFilter {
  /** Tasks left out so far. */
  dropped = 0;
  private readonly seen = new DigestSet();
  private inRow = 0;

  constructor(private readonly by: UniqueBy) {}

  /**
   * Whether the digest is new.
   * @throws UNIQUE_EXHAUSTED after {@link MOST_DUPLICATES} in a row that are not
   */
  admit(high: number, low: number): boolean {
    if (this.seen.add(high, low)) {
      this.inRow = 0;
      return true;
    }
    this.dropped++;
    if (++this.inRow < MOST_DUPLICATES) return false;
    const found = this.seen.size;
    throw userError(
      'UNIQUE_EXHAUSTED',
      `more different tasks by ${this.by}`,
      `${found} different ones and then ${MOST_DUPLICATES} duplicates in a row`,
      `ask for at most ${found}, or for more ops, contexts or modes, or for a narrower --unique`,
    );
  }
}

/**
 * The tasks of a source from index `from` on, without those that are the same as an earlier one: what
 * `writeTasks({ unique })` writes.
 * @throws UNIQUE_KIND; UNIQUE_EXHAUSTED when (nearly) nothing new comes any more
 */
export function* uniqueTasks(source: TaskSource, by: UniqueBy, from = 0): Generator<Task> {
  const filter = new UniqueFilter(checkUniqueBy(by));
  for (let index = from; ; index++) {
    const task = source.at(index);
    if (filter.admit(...taskDigest(task, by))) yield task;
  }
}

/** What a file of tasks holds: counts by op, context, mode and depth, and the distribution of sizes. */
import { DigestSet, digest64 } from '../core/digests.ts';
import type { TaskRecord } from './records.ts';

/** Smallest, quartiles, mean and largest of a whole-number size; NaN of nothing. */
export interface SizeSummary {
  min: number;
  q1: number;
  median: number;
  mean: number;
  q3: number;
  max: number;
}

export interface TaskSummary {
  count: number;
  ops: Record<string, number>;
  contexts: Record<string, number>;
  modes: Record<string, number>;
  /** By depth of the structure graph. */
  depths: Record<string, number>;
  splits: Record<string, number>;
  /** Different fingerprints, among the records that have one. */
  fingerprints: number;
  /** Tokens of all training texts, when they are counted. */
  tokens?: number;
  /**
   * Characters of problem and question, characters of the solution, sentences, defined quantities, and tokens of the
   * training text when they are counted.
   */
  lengths: Record<'problem_characters' | 'solution_characters' | 'sentences' | 'steps', SizeSummary> & {
    tokens?: SizeSummary;
  };
  examples: TaskRecord[];
}

export interface SummaryOptions {
  /** So many of the records, spread evenly over what comes; none by default. */
  examples?: number;
  /** Tokens that a task is trained on. */
  countTokens?: (task: TaskRecord) => number;
}

/** Summary of the records, in memory that grows by some ten bytes a record (for its fingerprint). */
export function summariseTasks(records: Iterable<TaskRecord>, options: SummaryOptions = {}): TaskSummary {
  const { examples = 0, countTokens } = options;
  const ops = new Map<string, number>();
  const contexts = new Map<string, number>();
  const modes = new Map<string, number>();
  const depths = new Map<string, number>();
  const splits = new Map<string, number>();
  const fingerprints = new DigestSet();
  const sizes = {
    problem_characters: new Counts(),
    solution_characters: new Counts(),
    sentences: new Counts(),
    steps: new Counts(),
    tokens: new Counts(),
  };
  let tokens = 0;
  let kept: TaskRecord[] = [];
  let stride = 1;
  let count = 0;
  for (const task of records) {
    bump(ops, String(task.op));
    bump(contexts, task.template);
    bump(modes, task.mode);
    bump(depths, String(task.d));
    bump(splits, task.split ?? 'unknown');
    if (task.fingerprint !== undefined) fingerprints.add(...digest64(task.fingerprint));
    sizes.problem_characters.add(task.problem.length + task.question.length);
    sizes.solution_characters.add(task.solution.length);
    sizes.sentences.add(task.problem.split('. ').filter((sentence) => sentence.trim() !== '').length);
    sizes.steps.add(task.solution.split('Define ').length - 1);
    if (countTokens !== undefined) {
      const own = countTokens(task);
      tokens += own;
      sizes.tokens.add(own);
    }
    if (examples > 0 && count % stride === 0) {
      kept.push(task);
      if (kept.length === 2 * examples) {
        kept = kept.filter((_, i) => i % 2 === 0);
        stride *= 2;
      }
    }
    count++;
  }
  return {
    count,
    ops: sorted(ops),
    contexts: sorted(contexts),
    modes: sorted(modes),
    depths: sorted(depths),
    splits: sorted(splits),
    fingerprints: fingerprints.size,
    ...(countTokens === undefined ? {} : { tokens }),
    lengths: {
      problem_characters: sizes.problem_characters.summary(),
      solution_characters: sizes.solution_characters.summary(),
      sentences: sizes.sentences.summary(),
      steps: sizes.steps.summary(),
      ...(countTokens === undefined ? {} : { tokens: sizes.tokens.summary() }),
    },
    examples: kept.slice(0, examples),
  };
}

/** Exact distribution of small whole numbers, in memory of their range. */
class Counts {
  private readonly counts = new Map<number, number>();

  add(value: number): void {
    this.counts.set(value, (this.counts.get(value) ?? 0) + 1);
  }

  summary(): SizeSummary {
    const values = [...this.counts].sort(([a], [b]) => a - b);
    const total = values.reduce((sum, [, n]) => sum + n, 0);
    // Lower quantile: the smallest value that at least this share does not exceed.
    const quantile = (share: number): number => {
      let seen = 0;
      for (const [value, n] of values) {
        seen += n;
        if (seen >= share * total) return value;
      }
      return Number.NaN;
    };
    const mean = values.reduce((sum, [value, n]) => sum + value * n, 0) / total;
    return {
      min: values[0]?.[0] ?? Number.NaN,
      q1: quantile(0.25),
      median: quantile(0.5),
      mean,
      q3: quantile(0.75),
      max: values.at(-1)?.[0] ?? Number.NaN,
    };
  }
}

function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries(
    [...counts].sort(([a], [b]) => Number(a) - Number(b) || (a < b ? -1 : a > b ? 1 : 0)),
  );
}

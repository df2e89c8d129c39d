/**
 * Solves every problem of a file from its text alone and compares with the record, in constant memory:
 *
 *     node --import tsx test/tasks/solve-file.ts FILE.jsonl [--full] [--contexts FILE.json]
 *
 * A record fails when its text has any fault (something undefined, circular, told twice, without or with more than
 * one answer), when its answer is not the text's, or when a value is below 1. With --full its solution and its graph
 * are held against the text, too, which takes a few times as long. --contexts names a JSON file of one context or an
 * array of them, known beside the paper's three. The first failures go to stderr, with their number (the line in a
 * JSONL file without blank lines), counts and speed to stdout. Exits with 1 when anything failed, with 2 when nothing
 * could be read.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Context, readTasks, splitSolution, type TaskRecord } from '../../src/tasks/index.ts';
import { assertClaims } from './claims.ts';
import { PRODUCT_TOTALS, type ProductTotals, solve } from './solver.ts';

const SHOWN = 20;

/** Why the record fails; null when it does not. */
function failure(task: TaskRecord, full: boolean, products: ProductTotals): string | null {
  try {
    if (full) {
      const { graph } = task;
      if (graph === undefined) return 'no graph';
      assertClaims({ ...task, graph }, null, products);
      return null;
    }
    const { answer, faults, values } = solve(task.problem, task.question, products);
    if (faults.length > 0) return faults.join('; ');
    const recorded = splitSolution(task.solution).answer;
    if (String(answer) !== recorded) return `the text says ${answer}, the record ${recorded}`;
    for (const [name, value] of values) if (value < 1) return `${name} is ${value}`;
    return null;
  } catch (error) {
    return (error as Error).message.replaceAll('\n', ' ');
  }
}

/** Totals that multiply, those of a user's contexts included. */
function productTotals(path: string | undefined): ProductTotals {
  if (path === undefined) return PRODUCT_TOTALS;
  const read = JSON.parse(readFileSync(path, 'utf8')) as Context | Context[];
  return new Set([...PRODUCT_TOTALS, ...[read].flat().map(({ average }) => average.total)]);
}

function main(): number {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: { full: { type: 'boolean', default: false }, contexts: { type: 'string' } },
  });
  if (positionals.length !== 1) {
    console.error('usage: node --import tsx test/tasks/solve-file.ts FILE [--full] [--contexts FILE.json]');
    return 2;
  }
  const [path] = positionals as [string];
  const products = productTotals(options.contexts);
  const kinds = new Map<string, { solved: number; failed: number }>();
  let count = 0;
  let failed = 0;
  let solving = 0;
  const start = performance.now();
  for (const task of readTasks(path)) {
    count++;
    const before = performance.now();
    const reason = failure(task, options.full, products);
    solving += performance.now() - before;
    const kind = `${task.mode}, depth ${task.d}`;
    const counts = kinds.get(kind) ?? { solved: 0, failed: 0 };
    kinds.set(kind, counts);
    if (reason === null) counts.solved++;
    else {
      counts.failed++;
      if (++failed <= SHOWN) console.error(`${path} record ${count} (op ${task.op}, ${kind}): ${reason}`);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  for (const [kind, counts] of kinds)
    console.log(`${kind}: ${counts.solved} solved, ${counts.failed} failed`);
  const rate = (time: number): string => Math.round(count / Math.max(time, 1e-9)).toLocaleString('en');
  console.log(
    `${count} problems in ${seconds.toFixed(1)} s: ${rate(seconds)}/s with reading, ${rate(solving / 1000)}/s solving alone`,
  );
  if (count === 0) console.error(`${path} has no records`);
  return failed > 0 || count === 0 ? 1 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

/** `interplay inspect`: what a file of tasks holds. */
import type { Command } from 'commander';
import { readTasks, type SizeSummary, summariseTasks } from '../tasks/index.ts';
import { brief, integerOption, printJson } from './terminal.ts';

interface Flags {
  examples: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('inspect')
    .description('histograms of ops, contexts, modes and lengths of a task file, and examples')
    .argument('<file>', 'task records, JSONL or Parquet')
    .option('--examples <n>', 'show n of the tasks, spread over the file', integerOption(0, 10_000), 0)
    .option('--seed <n>', 'accepted as everywhere; nothing here is random', integerOption(0))
    .option('--json', 'print one JSON document')
    .action(inspect);
}

function inspect(file: string, flags: Flags): void {
  const summary = summariseTasks(readTasks(file), flags.examples);
  if (flags.json) {
    printJson({ file, ...summary });
    return;
  }
  const unique = summary.fingerprints > 0 ? `, ${brief(summary.fingerprints)} different graphs` : '';
  const lines = [`${file}: ${brief(summary.count)} tasks${unique}`];
  for (const field of ['ops', 'contexts', 'modes', 'splits'] as const) {
    lines.push('', field, ...histogram(summary[field]));
  }
  lines.push('', 'lengths                min     q1  median    mean     q3    max');
  for (const [name, size] of Object.entries(summary.lengths)) lines.push(`  ${row(name, size)}`);
  for (const { id, op, template, problem, question, solution } of summary.examples) {
    lines.push('', `${id} (op ${op}, ${template})`, `  ${problem.trim()} ${question}`, `  ${solution}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

const BAR = 40;

function histogram(counts: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(counts);
  const most = Math.max(...entries.map(([, count]) => count));
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(
    ([name, count]) =>
      `  ${name.padStart(width)} ${'█'.repeat(Math.ceil((count / most) * BAR)).padEnd(BAR)} ${brief(count)}`,
  );
}

function row(name: string, size: SizeSummary): string {
  const cells = [size.min, size.q1, size.median, size.mean, size.q3, size.max];
  return `${name.padEnd(19)} ${cells.map((value) => brief(value).padStart(6)).join(' ')}`;
}

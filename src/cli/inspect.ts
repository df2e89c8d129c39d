/** `interplay inspect`: what a file of tasks holds. */
import type { Command } from 'commander';
import { userError } from '../core/errors.ts';
import { readTasks, type SizeSummary, summariseTasks, type TaskRecord } from '../tasks/index.ts';
import { brief, integerOption, printJson } from './terminal.ts';

interface Flags {
  examples: number;
  tokenizer?: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('inspect')
    .description('histograms of ops, contexts, modes, depths and lengths of a task file, and examples')
    .argument('<file>', 'task records, ours or the reference’s: .jsonl, .jsonl.gz or .parquet')
    .option('--examples <n>', 'show n of the tasks, spread over the file', integerOption(0, 10_000), 0)
    .option('--tokenizer <path>', 'count tokens with it: tokenizer.json or the folder that has it')
    .option('--seed <n>', 'accepted as everywhere; nothing here is random', integerOption(0))
    .option('--json', 'print one JSON document')
    .action(inspect);
}

async function inspect(file: string, flags: Flags): Promise<void> {
  const { examples, tokenizer } = flags;
  const summary = summariseTasks(readTasks(file), {
    examples,
    ...(tokenizer === undefined ? {} : { countTokens: await counterOf(tokenizer) }),
  });
  if (summary.count === 0) {
    throw userError('NO_TASKS', 'at least one task', `none in ${file}`, 'generate some');
  }
  if (flags.json) {
    printJson({ file, ...summary });
    return;
  }
  const unique = summary.fingerprints > 0 ? `, ${brief(summary.fingerprints)} different graphs` : '';
  const tokens = summary.tokens === undefined ? '' : `, ${brief(summary.tokens)} tokens`;
  const lines = [`${file}: ${brief(summary.count)} tasks${tokens}${unique}`];
  for (const field of ['ops', 'contexts', 'modes', 'depths', 'splits'] as const) {
    lines.push('', field, ...histogram(summary[field]));
  }
  lines.push('', 'lengths                min     q1  median    mean     q3    max');
  for (const [name, size] of Object.entries(summary.lengths)) lines.push(`  ${row(name, size)}`);
  for (const { id, op, template, mode, problem, question, solution } of summary.examples) {
    lines.push(
      '',
      `${id} (op ${op}, ${template}, ${mode})`,
      `  ${problem.trim()} ${question}`,
      `  ${solution}`,
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function counterOf(tokenizer: string): Promise<(task: TaskRecord) => number> {
  const { countTokensWith, tokenCounter } = await import('../tokenizer/index.ts');
  return tokenCounter(countTokensWith(tokenizer).argument);
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

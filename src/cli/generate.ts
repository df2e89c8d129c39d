/** `interplay generate`: writes a stretch of a task stream to a file. */
import type { Command } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { loadMixture, loadWorld, type TaskSourceOptions, writeTasks } from '../tasks/index.ts';
import { brief, integerOption, printJson, terminalProgress } from './terminal.ts';

interface Flags {
  contexts?: string;
  ops?: string;
  modes?: string;
  mixture?: string;
  world: string;
  count: number;
  from: number;
  seed: number;
  split: string;
  depth: number;
  workers: number;
  out: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('generate')
    .description('write word problems with their solutions and dependency graphs')
    .option('--contexts <names>', 'zoo, school, festival, separated by commas; all by default')
    .option('--ops <counts>', 'op counts like 2-10 or 2,4,6-8; the world’s up to 10 by default')
    .option('--modes <names>', 'forward, reverse; forward by default')
    .option('--mixture <name|file.json>', 'weights of ops and contexts, instead of the three options above')
    .option('--world <name|file.json>', 'how large problems are: paper, micro or a file', 'paper')
    .requiredOption('--count <n>', 'how many tasks', integerOption(1))
    .option('--from <index>', 'index of the first task in the stream', integerOption(0), 0)
    .option('--seed <n>', 'random seed', integerOption(Number.MIN_SAFE_INTEGER), 1)
    .option('--split <name>', 'train, val or test; splits share no graph', 'train')
    .option('--depth <n>', 'depth of the structure graph: 2 or 3', integerOption(1, 100), 2)
    .option(
      '--workers <n>',
      'threads that generate; the file does not depend on it',
      integerOption(1, 256),
      1,
    )
    .requiredOption('--out <file>', 'output: .jsonl or .parquet')
    .option('--json', 'print a summary as one JSON document')
    .action(generate);
}

async function generate(flags: Flags): Promise<void> {
  if (!/\.(jsonl|parquet)$/.test(flags.out)) {
    throw userError('OUT_FORMAT', 'a file that ends in .jsonl or .parquet', flags.out, 'rename --out');
  }
  const source: TaskSourceOptions = {
    world: loadWorld(flags.world),
    split: flags.split,
    depths: [flags.depth],
    seed: flags.seed,
    ...(flags.contexts === undefined ? {} : { contexts: list(flags.contexts) }),
    ...(flags.ops === undefined ? {} : { ops: flags.ops }),
    ...(flags.modes === undefined ? {} : { modes: list(flags.modes) }),
    ...(flags.mixture === undefined ? {} : { mixture: loadMixture(flags.mixture) }),
  };
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt);
  const started = performance.now();
  const { count, from, out, workers } = flags;
  try {
    const summary = await runCancellable(stop.signal, () =>
      writeTasks({ source, count, from, out, workers, progress: terminalProgress() }),
    );
    const seconds = (performance.now() - started) / 1000;
    if (flags.json) printJson({ out, ...summary, seconds, tasks_per_second: count / seconds });
    else {
      process.stdout.write(
        `${out}: ${brief(count)} tasks, ${brief(summary.bytes)} bytes, ${brief(count / seconds)} tasks/s\n`,
      );
    }
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

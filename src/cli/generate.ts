/** `interplay generate`: writes a stretch of a task stream to a file. */
import { type Command, Option } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { type TokenCounter, UNIQUE_BY, type UniqueBy, writeTasks } from '../tasks/index.ts';
import { type SourceFlags, sourceFromFlags, sourceOptions } from './sourceFlags.ts';
import { amountOption, brief, integerOption, printJson, terminalProgress } from './terminal.ts';

interface Flags extends SourceFlags {
  count?: number;
  tokens?: number;
  tokenizer?: string;
  unique?: UniqueBy;
  from: number;
  workers: number;
  out: string;
  json?: true;
}

export function register(program: Command): void {
  const command = program
    .command('generate')
    .description('write word problems with their solutions and dependency graphs')
    .option('--count <n>', 'how many tasks', integerOption(1))
    .option(
      '--tokens <n>',
      'instead of --count: as many tasks as have so many tokens in all (200k, 50M, 1.5B)',
      amountOption,
    )
    .option(
      '--tokenizer <path>',
      'counts the tokens: tokenizer.json or the folder that has it; one that ships with Interplay by default',
    )
    .addOption(
      new Option('--unique <kind>', 'leave out duplicates: the same text, problem, core or graph').choices(
        UNIQUE_BY,
      ),
    );
  sourceOptions(command)
    .option('--from <index>', 'index of the first task in the stream', integerOption(0), 0)
    .option(
      '--workers <n>',
      'threads that generate; the file does not depend on it',
      integerOption(1, 256),
      1,
    )
    .requiredOption('--out <file>', 'output: .jsonl, .jsonl.gz or .parquet')
    .option('--json', 'print a summary as one JSON document')
    .action(generate);
}

async function generate(flags: Flags): Promise<void> {
  const { count, tokens, unique, from, out, workers } = flags;
  if ((count === undefined) === (tokens === undefined)) {
    throw userError(
      'OPTION_CONFLICT',
      'one of --count and --tokens',
      count === undefined ? 'neither' : 'both',
      'give exactly one of the two',
    );
  }
  const source = sourceFromFlags(flags);
  const counter = await counterFor(flags);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, interrupt);
  const started = performance.now();
  try {
    const summary = await runCancellable(stop.signal, () =>
      writeTasks({
        source,
        from,
        out,
        workers,
        progress: terminalProgress(),
        ...(count === undefined ? {} : { count }),
        ...(tokens === undefined ? {} : { tokens }),
        ...(counter === undefined ? {} : { counter }),
        ...(unique === undefined ? {} : { unique }),
      }),
    );
    const seconds = (performance.now() - started) / 1000;
    const speed = summary.count / seconds;
    if (flags.json) printJson({ out, ...summary, seconds, tasks_per_second: speed });
    else {
      const parts = [
        `${brief(summary.count)} tasks`,
        ...(summary.tokens === undefined ? [] : [`${brief(summary.tokens)} tokens`]),
        ...(summary.dropped === undefined ? [] : [`${brief(summary.dropped)} duplicates left out`]),
        `${brief(summary.bytes)} bytes`,
        `${brief(speed)} tasks/s`,
      ];
      process.stdout.write(`${out}: ${parts.join(', ')}\n`);
    }
  } finally {
    for (const signal of signals) process.removeListener(signal, interrupt);
  }
}

/** Tokens are counted when they are asked for: counting takes about as long as generating. */
async function counterFor({ tokens, tokenizer }: Flags): Promise<TokenCounter | undefined> {
  if (tokens === undefined && tokenizer === undefined) return undefined;
  const { countTokensWith } = await import('../tokenizer/index.ts');
  return countTokensWith(tokenizer);
}

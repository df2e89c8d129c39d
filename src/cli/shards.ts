/** `interplay shards`: texts as tokens on disk, written and checked. */
import type { Command } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { openTokenizer, PAPER_TOKENIZER } from '../tokenizer/index.ts';
import { readConfig } from './settings.ts';
import { amountOption, brief, integerOption, printJson, repeated, terminalProgress } from './terminal.ts';

interface WriteFlags {
  config?: string;
  set: string[];
  data?: string[];
  tokenizer?: string;
  tokens?: number;
  texts?: number;
  shardTokens?: number;
  seed?: number;
  out: string;
  json?: true;
}

export function register(program: Command): void {
  const shards = program.command('shards').description('training texts as tokens on disk, for large data');
  shards
    .command('write')
    .description('encode the data of training settings, or task files, into a folder of shards')
    .option('--config <file>', 'training settings as JSON; their data, seed and tokenizer are used')
    .option('--set <key=value>', 'override one setting; repeatable', repeated, [])
    .option('--data <files...>', 'task files instead of the data of the settings')
    .option('--tokenizer <path>', 'tokenizer; default that of the settings, else the one shipped')
    .option('--tokens <n>', 'end at so many tokens (200k, 50M, 10G)', amountOption)
    .option('--texts <n>', 'end at so many texts', amountOption)
    .option('--shard-tokens <n>', 'most tokens of one shard; 268M by default', amountOption)
    .option('--seed <n>', 'random seed (overrides the settings)', integerOption(0))
    .requiredOption('--out <folder>', 'folder to write; one with shards is replaced')
    .option('--json', 'print a summary as one JSON document')
    .action(write);
  shards
    .command('check')
    .description('read a whole folder of shards and compare every text with its checksum')
    .argument('<folder>', 'folder of shards')
    .option('--json', 'print a summary as one JSON document')
    .action(check);
}

async function write(flags: WriteFlags): Promise<void> {
  const { applyOverrides, parsePretrainConfig, writeShards } = await import('../train/index.ts');
  const settings = applyOverrides(readConfig(flags.config), flags.set);
  if (flags.data !== undefined) settings.data = { files: flags.data };
  if (flags.seed !== undefined) settings.seed = flags.seed;
  settings.validation = { tasks: 0 }; // nothing is trained: the data may be those that are held out
  const { data, seed, tokenizer } = parsePretrainConfig(settings, flags.config ?? 'the --set options');
  if ('shards' in data)
    throw userError('USAGE', 'data to encode', 'shards', 'name task files or a task stream');
  const { tokens, texts } = flags;
  if (!('files' in data) && tokens === undefined && texts === undefined) {
    throw userError(
      'USAGE',
      '--tokens or --texts for generated tasks, which have no end',
      'neither',
      'give one',
    );
  }
  const path = flags.tokenizer ?? (typeof tokenizer === 'string' ? tokenizer : PAPER_TOKENIZER);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt);
  const started = performance.now();
  try {
    const manifest = await runCancellable(stop.signal, () =>
      writeShards({
        data,
        seed,
        tokenizer: openTokenizer(path),
        out: flags.out,
        tokens,
        texts,
        shardTokens: flags.shardTokens,
        progress: terminalProgress(),
      }),
    );
    const speed = (1000 * manifest.tokens) / (performance.now() - started);
    report(flags.out, manifest, flags.json, `, ${brief(speed)} tokens/s`);
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

async function check(folder: string, flags: { json?: true }): Promise<void> {
  const { openShards } = await import('../train/index.ts');
  const shards = openShards(folder);
  try {
    shards.check();
    report(folder, shards.manifest, flags.json, ', whole');
  } finally {
    shards.close();
  }
}

function report(
  out: string,
  { texts, tokens, shards }: { texts: number; tokens: number; shards: readonly unknown[] },
  json: true | undefined,
  remark: string,
): void {
  if (json) printJson({ out, texts, tokens, shards: shards.length });
  else {
    process.stdout.write(
      `${out}: ${brief(texts)} texts, ${brief(tokens)} tokens in ${brief(shards.length)} shards${remark}\n`,
    );
  }
}

/** `interplay pretrain`: pre-training and mid-training from a configuration file. */
import type { Command } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { readUserFile } from '../core/files.ts';
import { parseJson, repeatedKey } from '../core/json.ts';
import type { RunFacts } from '../train/index.ts';
import { chooseBackend } from './backend.ts';
import { brief, integerOption, printJson, terminalProgress } from './terminal.ts';

interface Options {
  config?: string;
  set: string[];
  out: string;
  resume?: true;
  overwrite?: true;
  workers: number;
  seed?: number;
  backend: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('pretrain')
    .description('train a model from random weights, or further from a model folder (init)')
    .option('--config <file>', 'settings as JSON (docs/training.md lists them)')
    .option(
      '--set <key=value>',
      'override one setting; repeatable',
      (value, all: string[]) => [...all, value],
      [],
    )
    .requiredOption('--out <folder>', 'run folder')
    .option('--resume', 'go on from the newest checkpoint in the run folder')
    .option('--overwrite', 'replace an earlier run in the folder')
    .option('--workers <n>', 'threads that make batches ahead; changes no result', integerOption(0, 64), 0)
    .option('--seed <n>', 'random seed (overrides the settings)', integerOption(0))
    .option('--backend <name>', 'auto, native, wasm, cuda, tensorflow, webgpu or cpu', 'auto')
    .option('--json', 'print the result as one JSON document')
    .action(async (options: Options) => {
      const { applyOverrides, parsePretrainConfig, pretrain } = await import('../train/index.ts');
      const { describeSize, disposeQwen2 } = await import('../model/index.ts');
      const overrides = options.seed === undefined ? options.set : [...options.set, `seed=${options.seed}`];
      const source = options.config ?? 'the --set options';
      const config = parsePretrainConfig(applyOverrides(readConfig(options.config), overrides), source);
      const backend = await chooseBackend(options.backend);
      const stop = new AbortController();
      let status = 130; // as a shell reports an interrupted command
      const interrupt = (signal: NodeJS.Signals) => {
        if (signal === 'SIGTERM') status = 143;
        stop.abort(); // the run saves a checkpoint and ends; a second signal kills
      };
      // Batch systems announce the end of a job with SIGTERM.
      for (const signal of SIGNALS) process.once(signal, interrupt);
      const result = await runCancellable(stop.signal, () =>
        pretrain(config, {
          out: options.out,
          workers: options.workers,
          progress: terminalProgress(),
          onStart: (facts, model) =>
            process.stderr.write(`${backend}\nmodel: ${describeSize(model)}\n${runLine(facts)}\n`),
          ...(options.resume ? { resume: true } : {}),
          ...(options.overwrite ? { overwrite: true } : {}),
        }),
      ).finally(() => {
        for (const signal of SIGNALS) process.removeListener(signal, interrupt);
      });
      disposeQwen2(result.model);
      const { model: _model, tokenizer: _tokenizer, ...summary } = result;
      if (options.json) printJson(summary);
      else {
        const speed = Number.isNaN(result.tokensPerSecond)
          ? ''
          : `, ${brief(result.tokensPerSecond)} tokens/s`;
        const { tokens, tokenEquivalents } = result;
        const compute = tokenEquivalents === tokens ? '' : ` (${brief(tokenEquivalents)} token equivalents)`;
        const heldOut = Number.isNaN(result.validationLoss) ? 'not measured' : brief(result.validationLoss);
        process.stdout.write(
          `${result.finished ? 'Trained' : 'Stopped after'} ${brief(result.steps)} steps, ${brief(tokens)} tokens${compute}${speed}; ` +
            `loss ${brief(result.loss)}, held-out loss ${heldOut}\nModel: ${result.checkpoint}\n`,
        );
      }
      if (!result.finished) process.exitCode = status;
    });
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What the run is about to do, in a line. */
function runLine({ training_flops: flops, gemm_flops_per_second: peak }: RunFacts): string {
  return `run: ${flops.toExponential(2)} FLOPs (6·P·T); matrix products at ${brief(peak / 1e9)} GFLOP/s`;
}

/** Settings of a file, as they are; none without a file. */
export function readConfig(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  const text = readUserFile(path, 'configuration file');
  const value = parseJson(text, path, 'configuration file');
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw userError(
      'CONFIG',
      'a JSON object of settings',
      `${path} with ${JSON.stringify(value)?.slice(0, 40)}`,
      'see docs/training.md',
    );
  }
  const twice = repeatedKey(text);
  if (twice !== null) {
    const got = `${JSON.stringify(twice)} twice in ${path}`;
    throw userError('CONFIG', 'each setting once', got, 'leave one of the two out');
  }
  return value as Record<string, unknown>;
}

/** `interplay pretrain`: pre-training and mid-training from a configuration file. */
import type { Command } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import type { RunFacts } from '../train/index.ts';
import { chooseBackend } from './backend.ts';
import { addRunOptions, folderOf, givenSettings, type RunFlags } from './settings.ts';
import { brief, integerOption, printJson, terminalProgress } from './terminal.ts';

interface Options extends RunFlags {
  workers: number;
}

export function register(program: Command): void {
  const command = program
    .command('pretrain')
    .description('train a model from random weights, or further from a model folder (init)');
  addRunOptions(command, 'docs/training.md')
    .option('--workers <n>', 'threads that make batches ahead; changes no result', integerOption(0, 64), 0)
    .action(async (options: Options) => {
      const { parsePretrainConfig, pretrain } = await import('../train/index.ts');
      const { describeSize, disposeQwen2 } = await import('../model/index.ts');
      const { given, source } = await givenSettings(options);
      const config = parsePretrainConfig(given, source);
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
          ...folderOf(options),
          workers: options.workers,
          progress: terminalProgress(),
          onStart: (facts, model) =>
            process.stderr.write(`${backend}\nmodel: ${describeSize(model)}\n${runLine(facts)}\n`),
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

/** `interplay grpo`: reinforcement learning from a configuration file. */
import type { Command } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import { chooseBackend } from './backend.ts';
import { readConfig } from './pretrain.ts';
import { brief, integerOption, printJson, terminalProgress } from './terminal.ts';

interface Options {
  config?: string;
  set: string[];
  out: string;
  resume?: true;
  overwrite?: true;
  seed?: number;
  backend: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('grpo')
    .description('reinforcement learning with verifiable rewards, from a model folder (init)')
    .option('--config <file>', 'settings as JSON (docs/rl.md lists them)')
    .option(
      '--set <key=value>',
      'override one setting; repeatable',
      (value, all: string[]) => [...all, value],
      [],
    )
    .requiredOption('--out <folder>', 'run folder')
    .option('--resume', 'go on from the newest checkpoint in the run folder')
    .option('--overwrite', 'replace an earlier run in the folder')
    .option('--seed <n>', 'random seed (overrides the settings)', integerOption(0))
    .option('--backend <name>', 'auto, native, wasm, cuda, tensorflow, webgpu or cpu', 'auto')
    .option('--json', 'print the result as one JSON document')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { applyOverrides } = await import('../train/index.ts');
  const { grpo, parseGrpoConfig } = await import('../rl/index.ts');
  const { disposeQwen2 } = await import('../model/index.ts');
  const overrides = options.seed === undefined ? options.set : [...options.set, `seed=${options.seed}`];
  const source = options.config ?? 'the --set options';
  const given = applyOverrides(readConfig(options.config), overrides);
  parseGrpoConfig(given, source); // before a backend is chosen, and with the file's name
  const backend = await chooseBackend(options.backend);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()); // the run saves a checkpoint and ends; a second ^C kills
  const result = await runCancellable(stop.signal, () =>
    grpo(given as Parameters<typeof grpo>[0], {
      out: options.out,
      progress: terminalProgress(),
      onStart: ({ parameters, tasks, validation_tasks }) =>
        process.stderr.write(
          `${backend}\n${brief(parameters)} parameters; ` +
            `${tasks === undefined ? 'generated tasks' : `${brief(tasks)} tasks`}, ${brief(validation_tasks)} held out\n`,
        ),
      ...(options.resume ? { resume: true } : {}),
      ...(options.overwrite ? { overwrite: true } : {}),
    }),
  );
  disposeQwen2(result.model);
  const { model: _model, tokenizer: _tokenizer, ...summary } = result;
  if (options.json) printJson(summary);
  else {
    const { finished, steps, rollouts, tokenEquivalents, reward, passRate } = summary;
    const { validationBefore: before, validationAfter: after } = summary;
    const heldOut = Number.isNaN(before) ? '' : `; held-out pass@1 ${brief(before)} → ${brief(after)}`;
    process.stdout.write(
      `${finished ? 'Trained' : 'Stopped after'} ${brief(steps)} steps, ${brief(rollouts)} rollouts, ` +
        `${brief(tokenEquivalents)} token equivalents; reward ${brief(reward)}, pass rate ${brief(passRate)}${heldOut}\n` +
        `Model: ${summary.checkpoint}\n`,
    );
  }
  if (!summary.finished) process.exitCode = 130; // as a shell reports an interrupted command
}

/** `interplay grpo`: reinforcement learning from a configuration file. */
import type { Command } from 'commander';
import { INTERRUPTED, runWithSettings } from './rlRun.ts';
import { addRunOptions, type RunFlags } from './settings.ts';
import { brief, printJson, terminalProgress } from './terminal.ts';

export function register(program: Command): void {
  const command = program
    .command('grpo')
    .description('reinforcement learning with verifiable rewards, from a model folder (init)');
  addRunOptions(command, 'docs/rl.md').action(run);
}

async function run(options: RunFlags): Promise<void> {
  const { grpo, parseGrpoConfig } = await import('../rl/index.ts');
  const { disposeQwen2 } = await import('../model/index.ts');
  const result = await runWithSettings(options, parseGrpoConfig, (given, folder, backend) =>
    grpo(given as Parameters<typeof grpo>[0], {
      ...folder,
      progress: terminalProgress(),
      onStart: ({ parameters, tasks, validation_tasks }) =>
        process.stderr.write(
          `${backend}\n${brief(parameters)} parameters; ` +
            `${tasks === undefined ? 'generated tasks' : `${brief(tasks)} tasks`}, ${brief(validation_tasks)} held out\n`,
        ),
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
  if (!summary.finished) process.exitCode = INTERRUPTED;
}

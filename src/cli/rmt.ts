/** `interplay rmt`: reinforcement learning on plain text (RMT, RPT, RLP) from a configuration file. */
import type { Command } from 'commander';
import { INTERRUPTED, runWithSettings } from './rlRun.ts';
import { addRunOptions, type RunFlags } from './settings.ts';
import { brief, printJson, terminalProgress } from './terminal.ts';

export function register(program: Command): void {
  const command = program
    .command('rmt')
    .description('reinforcement mid-training on plain text (RMT, RPT, RLP), from a model folder (init)');
  addRunOptions(command, 'docs/rmt.md').action(run);
}

async function run(options: RunFlags): Promise<void> {
  const { parseRmtConfig, rmt } = await import('../rl/index.ts');
  const { disposeQwen2 } = await import('../model/index.ts');
  const result = await runWithSettings(options, parseRmtConfig, (given, folder, backend) =>
    rmt(given as Parameters<typeof rmt>[0], {
      ...folder,
      progress: terminalProgress(),
      onStart: ({ parameters, edges, validation_texts, validation_tokens }) =>
        process.stderr.write(
          `${backend}\n${brief(parameters)} parameters; medium from ${brief(edges.medium)} nats, ` +
            `hard from ${brief(edges.hard)}; ${brief(validation_tokens)} tokens of ${brief(validation_texts)} texts held out\n`,
        ),
    }),
  );
  disposeQwen2(result.model);
  const { model: _model, tokenizer: _tokenizer, ...summary } = result;
  if (options.json) printJson(summary);
  else {
    const { finished, steps, tokens, rollouts, tokenEquivalents, reward } = summary;
    const { validationBefore: before, validationAfter: after } = summary;
    const heldOut = Number.isNaN(before)
      ? ''
      : `; held-out accuracy after thinking ${brief(before)}${Number.isNaN(after) ? '' : ` → ${brief(after)}`}`;
    process.stdout.write(
      `${finished ? 'Trained' : 'Stopped after'} ${brief(steps)} steps, ${brief(tokens)} tokens of text, ` +
        `${brief(rollouts)} thoughts, ${brief(tokenEquivalents)} token equivalents` +
        `${Number.isNaN(reward) ? '' : `; reward ${brief(reward)}`}${heldOut}\n` +
        `Model: ${summary.checkpoint}\n`,
    );
  }
  if (!summary.finished) process.exitCode = INTERRUPTED;
}

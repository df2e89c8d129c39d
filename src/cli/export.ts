/** `interplay export`: a model, or a whole experiment, for other programs. */
import { type Command, Option } from 'commander';
import { userError } from '../core/errors.ts';
import { amountOption, brief, integerOption, printJson } from './terminal.ts';

interface Options {
  model: string;
  to: 'hf' | 'llamafactory' | 'verl';
  out: string;
  tasks?: string;
  validation?: string;
  count?: number;
  gpus?: number;
  reward?: string;
  shardSize?: number;
  json?: true;
}

/** Options that concern some targets only. */
const ONLY = {
  tasks: ['llamafactory', 'verl'],
  validation: ['llamafactory', 'verl'],
  count: ['llamafactory', 'verl'],
  gpus: ['llamafactory', 'verl'],
  reward: ['verl'],
  shardSize: ['hf'],
} as const;

export function register(program: Command): void {
  program
    .command('export')
    .description('write a model, or a whole experiment, for transformers, LLaMA-Factory or verl')
    .requiredOption('--model <folder>', 'model folder, such as out/run/checkpoints/step-100')
    .addOption(
      new Option('--to <program>', 'hf: a folder for transformers; llamafactory, verl: an experiment')
        .choices(['hf', 'llamafactory', 'verl'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <folder>', 'a new folder')
    .option('--tasks <file>', 'training tasks; default: those of the run around the model')
    .option('--validation <file>', 'held-out tasks')
    .option('--count <n>', 'most training tasks, like 10k', amountOption)
    .option('--gpus <n>', 'GPUs to divide the batch among', integerOption(1, 4096))
    .option('--reward <name>', 'reward to train on (verl); default strict')
    .option('--shard-size <bytes>', 'most bytes of weights in one file (hf), like 5G', amountOption)
    .option('--json', 'print a summary as one JSON document')
    .action(run);
}

async function run(options: Options): Promise<void> {
  for (const [name, targets] of Object.entries(ONLY)) {
    const given = options[name as keyof typeof ONLY] !== undefined;
    if (!given || (targets as readonly string[]).includes(options.to)) continue;
    const flag = `--${name.replace('S', '-s')}`;
    throw userError(
      'OPTION_CONFLICT',
      `${flag} with --to ${targets.join(' or ')}`,
      `--to ${options.to}`,
      'leave it out',
    );
  }
  const { chooseBackend } = await import('./backend.ts');
  await chooseBackend('cpu'); // weights are only carried over
  const { exportHuggingFace, exportLlamaFactory, exportVerl } = await import('../export/index.ts');
  const { describeSize, disposeQwen2, parameterCount } = await import('../model/index.ts');
  const { model, out, json, shardSize, to, ...rest } = options;
  const { model: written, ...summary } =
    to === 'hf'
      ? exportHuggingFace(model, out, shardSize === undefined ? {} : { shardBytes: shardSize })
      : to === 'llamafactory'
        ? exportLlamaFactory(model, out, rest)
        : exportVerl(model, out, rest);
  const { config } = written;
  disposeQwen2(written);
  if (json) {
    printJson({ to, ...summary, parameters: parameterCount(config).total });
    return;
  }
  const tasks =
    'trainingTasks' in summary
      ? `${brief(summary.trainingTasks)} training and ${brief(summary.heldOutTasks)} held-out tasks. `
      : 'prompts' in summary
        ? `${brief(summary.prompts)} training and ${brief(summary.heldOutPrompts)} held-out prompts. `
        : '';
  process.stdout.write(`${describeSize(config)}\n${tasks}Written to ${out}\n`);
}

/** `interplay budget`: what a compute budget in token equivalents buys of mid-training and reinforcement learning. */
import type { Command } from 'commander';
import { amountOption, brief, integerOption, numberOption, printJson } from './terminal.ts';

interface Flags {
  tokens?: number[];
  rlShare?: number[];
  rollouts: number;
  length: number;
  reference: number;
  batchTokens: number;
  promptsPerStep: number;
  parameters?: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('budget')
    .description(
      'token-equivalent compute of mid-training and reinforcement learning; the paper’s Table 3 by default',
    )
    .option('--tokens <list>', 'budgets such as 1.05B,20B; default the paper’s seven', list(amountOption))
    .option(
      '--rl-share <list>',
      'shares β of reinforcement learning; default 0,0.2,0.5,0.8,1',
      list(numberOption(0, 1)),
    )
    .option('--rollouts <r>', 'responses per prompt', integerOption(1), 6)
    .option(
      '--length <L>',
      'tokens of prompt and response; measured ones rather than the nominal',
      numberOption(1, 1e9),
      2048,
    )
    .option('--reference <gamma>', '1 with a reference model, 0 without', numberOption(0, 1), 1)
    .option('--batch-tokens <n>', 'tokens of a mid-training step', integerOption(1), 524_288)
    .option('--prompts-per-step <n>', 'prompts of a step of reinforcement learning', integerOption(1), 1024)
    .option('--parameters <P>', 'parameters without the embedding: shows FLOPs, too', amountOption)
    .option('--json', 'print one JSON document')
    .action(budget);
}

/** Values separated by commas. */
function list(parse: (text: string) => number): (text: string) => number[] {
  return (text) => text.split(',').map((part) => parse(part.trim()));
}

async function budget(flags: Flags): Promise<void> {
  const { PAPER_BUDGETS, PAPER_SHARES, splitBudget, trainingFlops } = await import('../analysis/index.ts');
  const { rollouts, length, reference, batchTokens, promptsPerStep, parameters } = flags;
  const options = { rollouts, length, reference, batchTokens, promptsPerStep };
  const rows = (flags.tokens ?? PAPER_BUDGETS).flatMap((tokens) =>
    (flags.rlShare ?? Object.values(PAPER_SHARES)).map((share) => ({
      ...splitBudget(tokens, share, options),
      ...(parameters === undefined ? {} : { flops: trainingFlops(parameters, tokens) }),
    })),
  );
  if (flags.json) {
    printJson({ ...options, ...(parameters === undefined ? {} : { parameters }), rows });
    return;
  }
  const columns = [
    'tokens',
    'rl_share',
    'mid_tokens',
    'mid_steps',
    'rl_tokens',
    'rl_prompts',
    'rl_steps',
    'flops',
  ] as const;
  const shown = columns.filter((name) => name !== 'flops' || parameters !== undefined);
  const table = [
    shown as readonly string[],
    ...rows.map((row) => shown.map((name) => cell(name, row[name as keyof typeof row] as number))),
  ];
  const widths = shown.map((_, i) => Math.max(...table.map((line) => line[i]!.length)));
  for (const line of table)
    process.stdout.write(`${line.map((text, i) => text.padStart(widths[i]!)).join('  ')}\n`);
}

function cell(name: string, value: number): string {
  return name === 'flops'
    ? value.toExponential(2)
    : brief(name.endsWith('prompts') ? Math.round(value) : value);
}

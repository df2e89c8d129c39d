/** `interplay nll`: how likely a model finds the gold solutions of tasks. */
import type { Command } from 'commander';
import { chooseBackend } from './backend.ts';
import { brief, integerOption, printJson, terminalProgress } from './terminal.ts';

interface Options {
  model: string;
  tasks: string;
  out: string;
  batchTokens: number;
  backend: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('nll')
    .description('negative log-likelihood of gold solutions under a model, a line per task (docs/metrics.md)')
    .requiredOption('--model <folder>', 'model folder (a checkpoint)')
    .requiredOption('--tasks <file>', 'tasks, JSONL or Parquet')
    .requiredOption('--out <file>', 'where the lines go, .jsonl or .jsonl.gz')
    .option('--batch-tokens <n>', 'most tokens of a batch', integerOption(1), 8192)
    .option('--backend <name>', 'auto, native, wasm, cuda, tensorflow, webgpu or cpu', 'auto')
    .option('--seed <n>', 'accepted as everywhere; nothing here is random', integerOption(0))
    .option('--json', 'print one JSON document')
    .action(measure);
}

async function measure({
  model: folder,
  tasks: file,
  out,
  batchTokens,
  backend,
  json,
}: Options): Promise<void> {
  const { readTasks } = await import('../tasks/index.ts');
  const { loadModel, disposeQwen2 } = await import('../model/index.ts');
  const { goldNll } = await import('../evaluate/index.ts');
  const { writeJsonLines } = await import('../core/jsonl.ts');
  const tasks = [...readTasks(file)];
  const header = await chooseBackend(backend);
  const loaded = loadModel(folder);
  const show = terminalProgress(header);
  const rows = goldNll(loaded, tasks, {
    batchTokens,
    progress: (done) => show({ stage: 'nll', done, total: tasks.length, unit: 'task' }),
  });
  disposeQwen2(loaded.model);
  writeJsonLines(out, rows);
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
  const perToken = rows.reduce((sum, { nll }) => sum + nll, 0) / tokens;
  if (json) printJson({ out, tasks: rows.length, tokens, nats_per_token: perToken });
  else {
    process.stdout.write(
      `${brief(perToken)} nats per token of ${rows.length} gold solutions (${brief(tokens)} tokens), written to ${out}\n`,
    );
  }
}

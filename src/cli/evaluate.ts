/** `interplay evaluate`: sample, verify and count, into an evaluation folder. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import type { GroupMetrics, Metrics } from '../evaluate/index.ts';
import { chooseBackend } from './backend.ts';
import { integerOption, numberOption, printJson, terminalProgress } from './terminal.ts';

interface Options {
  model: string;
  tasks: string;
  samples: number;
  k?: number[];
  temperature: number;
  topP: number;
  topK: number;
  maxTokens: number;
  slots: number;
  limit?: number;
  seed: number;
  out: string;
  rescore?: true;
  overwrite?: true;
  backend: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('evaluate')
    .description('sample responses, verify every step, compute pass@k; resumes an unfinished evaluation')
    .requiredOption('--model <folder>', 'model folder (a checkpoint)')
    .requiredOption('--tasks <file>', 'tasks, JSONL or Parquet')
    .option('--samples <n>', 'samples per task', integerOption(1, 1e6), 128)
    .option(
      '--k <list>',
      'the k of pass@k, such as 1,2,4,128; default the powers of two up to --samples',
      kList,
    )
    .option('--temperature <t>', '0 = greedy', numberOption(0, 100), 0.7)
    .option('--top-p <p>', 'nucleus mass', numberOption(1e-6, 1), 1)
    .option('--top-k <k>', '0 = all tokens', integerOption(0), 0)
    .option('--max-tokens <n>', 'most new tokens per sample', integerOption(1), 1024)
    .option('--slots <n>', 'sequences decoded together', integerOption(1, 4096), 64)
    .option('--limit <n>', 'only the first n tasks', integerOption(1))
    .option('--seed <n>', 'random seed', integerOption(0), 0)
    .requiredOption('--out <folder>', 'evaluation folder')
    .option('--rescore', 'judge the saved samples again')
    .option('--overwrite', 'replace another evaluation in the folder')
    .option('--backend <name>', 'auto, native, wasm, cuda, tensorflow, webgpu or cpu', 'auto')
    .option('--json', 'print the metrics as one JSON document')
    .action(async (options: Options) => {
      const { loadModel, disposeQwen2 } = await import('../model/index.ts');
      const { readTasks } = await import('../tasks/index.ts');
      const { evaluate } = await import('../evaluate/index.ts');
      const { limit, model: folder, tasks: file, backend: wanted, json, ...rest } = options;
      const tasks = [...readTasks(file)].slice(0, limit);
      const backend = await chooseBackend(wanted);
      const loaded = loadModel(folder);
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort()); // what is done stays; the same command goes on
      const evaluation = await runCancellable(stop.signal, () =>
        evaluate(loaded, tasks, { ...rest, progress: terminalProgress(backend) }),
      );
      disposeQwen2(loaded.model);
      if (json) printJson(evaluation.metrics ?? null);
      else if (evaluation.metrics) process.stdout.write(summary(evaluation.metrics, evaluation.out));
      else process.stdout.write('Stopped before any task was complete.\n');
      if (!evaluation.finished) process.exitCode = 130;
    });
}

function kList(text: string): number[] {
  const values = text.split(',').map(Number);
  if (values.some((k) => !Number.isInteger(k) || k < 1)) {
    throw new InvalidArgumentError('must be integers of 1 or more, separated by commas');
  }
  return [...new Set(values)].sort((a, b) => a - b);
}

/** Verified pass@k by op, and the shares that the other verifiers give, as a text table. */
function summary(metrics: Metrics, out: string): string {
  const cell = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(3)).padStart(9);
  const shown = metrics.k.length > 6 ? [metrics.k[0]!, ...metrics.k.slice(-5)] : metrics.k;
  const first = String(metrics.k[0]);
  const header = `${'op'.padEnd(8)}${'problems'.padStart(9)}${shown.map((k) => `pass@${k}`.padStart(9)).join('')}${'answer'.padStart(9)}${'compat.'.padStart(9)}`;
  const row = (name: string, group: GroupMetrics) => {
    const values = shown.map((k) => cell(group.pass_at_k.verified[String(k)]!.value)).join('');
    const { answer, compatible } = group.pass_at_k;
    return `${name.padEnd(8)}${String(group.problems).padStart(9)}${values}${cell(answer[first]!.value)}${cell(compatible[first]!.value)}`;
  };
  const rows = Object.entries(metrics.by_op).map(([op, group]) => row(op, group));
  return `${[header, ...rows, row('all', metrics.overall)].join('\n')}\n(answer, compat.: pass@${first} by the answer alone and by the reference's verifier)\nEvaluation in ${out}\n`;
}

/** `interplay sample`: responses of a model to tasks, as JSON lines that `verify` reads. */
import type { Command } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { writeAtomicallyAsync } from '../core/files.ts';
import { chooseBackend } from './backend.ts';
import { brief, integerOption, numberOption, printJson, repeated, terminalProgress } from './terminal.ts';

interface Options {
  model: string;
  tasks: string;
  samples: number;
  temperature: number;
  topP: number;
  topK: number;
  maxTokens: number;
  slots: number;
  stop: string[];
  limit?: number;
  seed: number;
  out: string;
  backend: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('sample')
    .description('sample responses of a model to tasks')
    .requiredOption('--model <folder>', 'model folder (a checkpoint)')
    .requiredOption('--tasks <file>', 'tasks, JSONL or Parquet')
    .option('--samples <n>', 'samples per task', integerOption(1, 1e6), 1)
    .option('--temperature <t>', '0 = greedy', numberOption(0, 100), 0.7)
    .option('--top-p <p>', 'nucleus mass', numberOption(1e-6, 1), 1)
    .option('--top-k <k>', '0 = all tokens', integerOption(0), 0)
    .option('--max-tokens <n>', 'most new tokens per sample', integerOption(1), 1024)
    .option('--slots <n>', 'sequences decoded together', integerOption(1, 4096), 64)
    .option('--stop <text>', 'ends a response, which keeps it; repeatable', repeated, [])
    .option('--limit <n>', 'only the first n tasks', integerOption(1))
    .option('--seed <n>', 'random seed', integerOption(0), 0)
    .requiredOption('--out <file>', 'output, JSONL')
    .option('--backend <name>', 'auto, native, wasm, cuda, tensorflow, webgpu or cpu', 'auto')
    .option('--json', 'print a summary as one JSON document')
    .action(async (options: Options) => {
      const { loadModel, disposeQwen2 } = await import('../model/index.ts');
      const { promptText, readTasks, taskIds } = await import('../tasks/index.ts');
      const { sampleBatched } = await import('../sample/index.ts');
      const tasks = [...readTasks(options.tasks)].slice(0, options.limit);
      if (tasks.length === 0)
        throw userError('NO_TASKS', 'at least one task', `none in ${options.tasks}`, 'generate some');
      const backend = await chooseBackend(options.backend);
      const { model, tokenizer } = loadModel(options.model);
      const ids = taskIds(tasks);
      const prompts = tasks.map((task, i) => ({ key: ids[i]!, text: promptText(task) }));
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      const progress = terminalProgress(backend);
      const started = performance.now();
      const summary = await runCancellable(stop.signal, () =>
        writeAtomicallyAsync(options.out, async (write) => {
          let rows = 0;
          let tokens = 0;
          const waiting = new Map<number, string>(); // complete prompts behind one that is not: the file keeps task order
          let next = 0;
          for (const samples of sampleBatched(model, tokenizer, prompts, options)) {
            const task = tasks[samples[0]!.prompt]!;
            const lines = samples.map((sample) =>
              JSON.stringify({
                ...task,
                task_id: ids[sample.prompt]!,
                sample_index: sample.sampleIndex,
                response: sample.response,
                tokens: sample.tokens,
                stop_reason: sample.stopReason,
              }),
            );
            rows += samples.length;
            tokens += samples.reduce((sum, sample) => sum + sample.tokens, 0);
            waiting.set(samples[0]!.prompt, `${lines.join('\n')}\n`);
            for (let text = waiting.get(next); text !== undefined; text = waiting.get(++next)) {
              write(text);
              waiting.delete(next);
            }
            const seconds = (performance.now() - started) / 1000;
            progress({
              stage: 'sample',
              done: rows,
              total: prompts.length * options.samples,
              unit: 'sample',
              secondsLeft: (seconds / rows) * (prompts.length * options.samples - rows),
              values: { tokens_per_second: tokens / seconds },
            });
            await new Promise((resolve) => setImmediate(resolve));
          }
          if (stop.signal.aborted) {
            throw userError('STOPPED', 'to finish', 'a stop signal', 'run again (nothing was written)');
          }
          return { rows, tokens, seconds: (performance.now() - started) / 1000 };
        }),
      );
      disposeQwen2(model);
      if (options.json) printJson({ out: options.out, ...summary });
      else
        process.stdout.write(
          `Wrote ${brief(summary.rows)} samples (${brief(summary.tokens)} tokens) to ${options.out}\n`,
        );
    });
}

/** `interplay evaluate`: responses of a model, a run's checkpoints, a file or a server, verified and counted. */
import { type Command, InvalidArgumentError } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { readUserFile } from '../core/files.ts';
import { parseJson } from '../core/json.ts';
import type { Checkpoints, EvaluateOptions, Evaluation } from '../evaluate/index.ts';
import type { TaskRecord } from '../tasks/index.ts';
import { chooseBackend } from './backend.ts';
import { brief, integerOption, numberOption, printJson, repeated, terminalProgress } from './terminal.ts';

interface Options extends Omit<EvaluateOptions, 'stop' | 'samples' | 'progress'> {
  model?: string;
  run?: string;
  checkpoints: Checkpoints;
  responses?: string;
  ignoreUnmatched?: true;
  server?: string;
  servedModel?: string;
  chat?: true;
  instruction?: string;
  concurrency: number;
  requestsPerMinute?: number;
  perRequest: number;
  retries: number;
  timeout: number;
  apiKeyEnv?: string;
  requestFields?: string;
  tasks: string;
  samples?: number;
  stop: string[];
  limit?: number;
  backend: string;
  json?: true;
}

/** Of a model, a run and a server; a file says itself how many it has. */
const SAMPLES = 128;

export function register(program: Command): void {
  program
    .command('evaluate')
    .description(
      'responses of a model, of the checkpoints of a run, from a file or from a server: verify every step, compute ' +
        'pass@k; resumes an unfinished evaluation (docs/evaluation.md)',
    )
    .option('--model <folder>', 'model folder (a checkpoint)')
    .option('--run <folder>', 'run folder: every checkpoint, and a table of all')
    .option(
      '--checkpoints <which>',
      'of --run: all, every:N (steps), or steps such as 1000,2000',
      checkpoints,
      'all',
    )
    .option('--responses <file>', 'responses of any model, JSONL or Parquet')
    .option('--ignore-unmatched', 'leave out responses to other tasks')
    .option('--server <url>', 'an OpenAI-compatible server: vLLM, SGLang, llama.cpp')
    .option('--served-model <name>', "the model's name on the server")
    .option('--chat', 'ask the server in a chat instead of continuing our prompt')
    .option('--instruction <file>', 'of --chat: a text file with the system message')
    .option('--concurrency <n>', 'requests at a time', integerOption(1, 4096), 16)
    .option('--requests-per-minute <n>', 'most requests a minute', numberOption(1e-3, 1e6))
    .option('--per-request <n>', 'samples of one request', integerOption(1, 1024), 1)
    .option('--retries <n>', 'how often a request is repeated', integerOption(0, 100), 8)
    .option('--timeout <seconds>', 'of a reply', numberOption(0.1, 300), 300)
    .option('--api-key-env <name>', 'environment variable that holds the key of the server')
    .option('--request-fields <json>', 'further fields of every request; null leaves one out')
    .requiredOption('--tasks <file>', 'tasks, JSONL or Parquet')
    .option(
      '--samples <n>',
      `samples per task (default ${SAMPLES}; all of --responses)`,
      integerOption(1, 1e6),
    )
    .option(
      '--k <list>',
      'the k of pass@k, such as 1,2,4,128; default the powers of two up to --samples',
      integers,
    )
    .option('--temperature <t>', '0 = greedy', numberOption(0, 100), 0.7)
    .option('--top-p <p>', 'nucleus mass', numberOption(1e-6, 1), 1)
    .option('--top-k <k>', '0 = all tokens', integerOption(0), 0)
    .option('--max-tokens <n>', 'most new tokens per sample', integerOption(1), 1024)
    .option('--stop <text>', 'ends a response, which keeps it; repeatable', repeated, [])
    .option('--slots <n>', 'sequences decoded together', integerOption(1, 4096), 64)
    .option('--limit <n>', 'only the first n tasks', integerOption(1))
    .option('--seed <n>', 'random seed', integerOption(0), 0)
    .requiredOption('--out <folder>', 'evaluation folder')
    .option('--cache <folder>', 'samples shared by evaluations: what is known is not sampled again')
    .option('--missing <how>', 'responses that a file lacks: undefined or wrong', missing, 'undefined')
    .option('--rescore', 'judge the saved samples again')
    .option('--overwrite', 'replace another evaluation in the folder')
    .option('--backend <name>', 'auto, native, wasm, cuda, tensorflow, webgpu or cpu', 'auto')
    .option('--json', 'print the metrics as one JSON document')
    .action(act);
}

async function act(options: Options): Promise<void> {
  const { readTasks } = await import('../tasks/index.ts');
  const source = checkedSource(options);
  const all = [...readTasks(options.tasks)];
  const tasks = all.slice(0, options.limit);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()); // what is done stays; the same command goes on
  await runCancellable(stop.signal, () =>
    source === 'run' ? sweep(options, tasks) : single(options, source, tasks),
  );
}

type Source = 'model' | 'run' | 'responses' | 'server';

/** Exactly one source of responses, and what goes with it. */
function checkedSource(options: Options): Source {
  const given = (['model', 'run', 'responses', 'server'] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (given.length !== 1) {
    throw userError(
      'OPTION_CONFLICT',
      'one of --model, --run, --responses and --server',
      given.length === 0 ? 'none' : given.map((name) => `--${name}`).join(' and '),
      given.length === 0 ? 'say where the responses come from' : 'leave the others out',
    );
  }
  if (options.server !== undefined && options.servedModel === undefined) {
    throw userError(
      'OPTION_CONFLICT',
      '--served-model with --server',
      'none',
      "add the model's name on the server",
    );
  }
  return given[0]!;
}

async function single(options: Options, source: Source, tasks: TaskRecord[]): Promise<void> {
  const { evaluate, metricsTable } = await import('../evaluate/index.ts');
  let header: string | undefined;
  let evaluation: Evaluation;
  if (source === 'model') {
    const { loadModel, disposeQwen2 } = await import('../model/index.ts');
    header = await chooseBackend(options.backend);
    const loaded = loadModel(options.model!);
    evaluation = await evaluate(loaded, tasks, evaluateOptions(options, header));
    disposeQwen2(loaded.model);
  } else {
    const from = source === 'responses' ? await openResponses(options) : await openServer(options);
    evaluation = await evaluate(from, tasks, evaluateOptions(options, undefined, source));
  }
  const { metrics, out, cache, finished } = evaluation;
  if (cache !== undefined) {
    const damaged = cache.damaged > 0 ? `, ${cache.damaged} damaged entries sampled again` : '';
    process.stderr.write(
      `cache: ${brief(cache.samples)} samples reused, ${brief(evaluation.sampled)} new${damaged}; ` +
        `${cache.folder} holds ${brief(cache.entries)} entries, ${brief(cache.bytes / 2 ** 20)} MiB\n`,
    );
  }
  if (options.json) printJson(metrics ?? null);
  else if (metrics) process.stdout.write(`${metricsTable(metrics)}Evaluation in ${out}\n`);
  else process.stdout.write('Stopped before any task was complete.\n');
  if (!finished) process.exitCode = 130;
}

async function sweep(options: Options, tasks: TaskRecord[]): Promise<void> {
  const { evaluateRun, sweepTable } = await import('../evaluate/index.ts');
  const backend = await chooseBackend(options.backend);
  const { out, rows, finished } = await evaluateRun(options.run!, tasks, {
    ...evaluateOptions(options, backend),
    checkpoints: options.checkpoints,
  });
  if (options.json) printJson(rows);
  else if (rows.length > 0) {
    process.stdout.write(`${sweepTable(rows)}Intervals and more in ${out}/sweep.csv\n`);
  } else process.stdout.write('Stopped before any checkpoint was complete.\n');
  if (!finished) process.exitCode = 130;
}

/** Options as {@link evaluate} takes them; others stay out. */
function evaluateOptions(options: Options, header: string | undefined, source?: Source): EvaluateOptions {
  const {
    out,
    k,
    temperature,
    topP,
    topK,
    maxTokens,
    stop,
    slots,
    seed,
    cache,
    missing,
    rescore,
    overwrite,
  } = options;
  const samples = options.samples ?? (source === 'responses' ? undefined : SAMPLES);
  const given = {
    samples,
    k,
    temperature,
    topP,
    topK,
    maxTokens,
    slots,
    seed,
    cache,
    missing,
    rescore,
    overwrite,
  };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { out, stop, ...known, progress: terminalProgress(header) };
}

async function openResponses({ responses, ignoreUnmatched, limit }: Options) {
  const { responsesFile } = await import('../evaluate/index.ts');
  // With --limit, responses to the tasks behind it are no mistake.
  return responsesFile(responses!, { ignoreUnmatched: ignoreUnmatched === true || limit !== undefined });
}

async function openServer(options: Options) {
  const { serverSource } = await import('../evaluate/index.ts');
  const { server, servedModel, chat, instruction, concurrency, requestsPerMinute, perRequest } = options;
  const apiKey = keyOf(options.apiKeyEnv);
  return serverSource({
    url: server!,
    model: servedModel!,
    concurrency,
    perRequest,
    retries: options.retries,
    timeout: options.timeout,
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(chat ? { chat } : {}),
    ...(instruction === undefined ? {} : { instruction: readUserFile(instruction, 'text file').trim() }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(options.requestFields === undefined ? {} : { fields: fieldsOf(options.requestFields) }),
  });
}

/** The key stays in the environment: neither in the command's history nor in a file. */
function keyOf(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const key = process.env[name];
  if (key) return key;
  throw userError('SERVER_KEY', `a key in the environment variable ${name}`, 'none', `set ${name}`);
}

function fieldsOf(text: string): Record<string, unknown> {
  const value = parseJson(text, '--request-fields', 'JSON object');
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw userError('JSON_FILE', 'a JSON object in --request-fields', text, `write '{"min_p": 0.1}'`);
}

function missing(text: string): 'undefined' | 'wrong' {
  if (text === 'undefined' || text === 'wrong') return text;
  throw new InvalidArgumentError('must be undefined or wrong');
}

function checkpoints(text: string): Checkpoints {
  if (text === 'all') return text;
  const every = /^every:(\d+)$/.exec(text);
  if (every !== null && Number(every[1]) > 0) return { everySteps: Number(every[1]) };
  return integers(text);
}

function integers(text: string): number[] {
  const values = text.split(',').map(Number);
  if (values.some((value) => !Number.isInteger(value) || value < 1)) {
    throw new InvalidArgumentError('must be integers of 1 or more, separated by commas');
  }
  return [...new Set(values)].sort((a, b) => a - b);
}

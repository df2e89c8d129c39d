/** `interplay run NOTEBOOK.ipynb --out F.ipynb`: executes a notebook without Jupyter and without Python. */
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readUserFile, userError, writeAtomically, writeFileAtomically } from '../core/index.ts';
import { type CellFailure, executeNotebook } from '../kernel/headless.ts';
import { checkLanguage, formatNotebook, type Notebook, parseNotebook } from '../kernel/nbformat.ts';
import type { Json } from '../kernel/protocol.ts';
import { TYPE_CHECK_MODES, type TypeCheckMode } from '../kernel/type-check-mode.ts';
import { integerOption } from './terminal.ts';

/** A long cell says where it is this often. */
const UPDATE_MS = 10_000;

interface RunOptions {
  out: string;
  parameter: Map<string, string>;
  seed?: number;
  timeout?: number;
  allowErrors?: boolean;
  typeCheck?: TypeCheckMode;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('run')
    .description('execute a notebook with the TypeScript kernel and save it with its outputs')
    .argument('<notebook>', 'a notebook in nbformat 4')
    .requiredOption('--out <file>', 'where the executed notebook goes (may be the notebook itself)')
    .option('-p, --parameter <name=value>', 'set a parameter; JSON, or else text', addParameter, new Map())
    .option('--seed <n>', 'the parameter `seed`, as -p seed=n', integerOption(0))
    .option('--timeout <seconds>', 'stop a cell that takes longer', seconds)
    .option('--allow-errors', 'go on after a failed cell, and succeed')
    .addOption(
      new Option('--type-check <mode>', 'what a type error does (default: as in a notebook, error)').choices(
        TYPE_CHECK_MODES,
      ),
    )
    .option('--json', 'print one JSON document')
    .action(run);
}

async function run(path: string, options: RunOptions): Promise<void> {
  const notebook = parseNotebook(readUserFile(path, 'notebook'), path);
  checkLanguage(notebook, path);
  const { timeout, allowErrors, json } = options;
  const parameters = await readParameters(notebook, options);
  checkWritable(options.out);
  const startedAt = performance.now();
  let saidAt = startedAt;
  let where = 'run';
  const say = (text: string) => {
    saidAt = performance.now();
    process.stderr.write(`${text}, ${((saidAt - startedAt) / 1000).toFixed(1)} s\n`);
  };
  const save = (executed: Notebook) => writeFileAtomically(options.out, formatNotebook(executed));
  const stop = stopOnSignals();
  const result = await executeNotebook(notebook, {
    signal: stop.signal,
    cwd: dirname(resolve(path)),
    parameters,
    ...(timeout === undefined ? {} : { timeout }),
    allowErrors: allowErrors === true,
    typeCheck: options.typeCheck,
    progress: ({ done, total }) => {
      where = `run: ${done}/${total} cells`;
      say(where);
    },
    onSnapshot: (executed) => {
      try {
        save(executed);
      } catch (error) {
        say(`${where}: not saved yet (${(error as Error).message})`);
      }
    },
    onUpdate: (text) => {
      if (performance.now() - saidAt >= UPDATE_MS) say(`${where}: ${text.split('\n')[0]}`);
    },
  });
  save(result.notebook);
  const { executed, failures } = result;
  const summary = { out: resolve(options.out), executed, failures, seconds: round(result.seconds) };
  process.stdout.write(
    json ? `${JSON.stringify(summary)}\n` : `${executed} cells in ${summary.seconds} s: ${summary.out}\n`,
  );
  if (stop.signal.aborted) process.exitCode = stop.signal.reason as number;
  else if (failures.length > 0 && allowErrors !== true) {
    const got = describe(failures[0]!);
    process.stderr.write(
      `interplay: CELL_FAILED: expected every cell to succeed, got ${got}; do look at ${options.out}\n`,
    );
    process.exitCode = 1;
  }
}

/** Values of `-p` and `--seed`. Loads the compiler, hence only when there are some. */
async function readParameters(
  notebook: Notebook,
  { parameter, seed }: RunOptions,
): Promise<Map<string, Json>> {
  const texts = new Map(parameter);
  if (seed !== undefined) texts.set('seed', String(seed));
  if (texts.size === 0) return new Map();
  const { parameterValues } = await import('../kernel/parameters.ts');
  return parameterValues(notebook, texts);
}

/** Hours of work that cannot be saved are lost, so the place is tried before. @throws OUTPUT_UNWRITABLE */
function checkWritable(path: string): void {
  const enough = new Error('it can be written');
  try {
    writeAtomically(path, () => {
      throw enough;
    });
  } catch (error) {
    if (error !== enough) throw error;
  }
}

/**
 * The first signal stops the cell, and what there is is saved; a second one ends the program as usual. The reason of
 * the abort is the exit code.
 */
function stopOnSignals(): AbortController {
  const stop = new AbortController();
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => stop.abort(code));
  }
  // After a hang-up nobody reads what we say.
  process.once('SIGHUP', () => {
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  });
  return stop;
}

function describe({ cell, ename, evalue }: CellFailure): string {
  return `cell ${cell} ended with ${ename}: ${evalue.replace(/\s+/g, ' ').slice(0, 300)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function addParameter(text: string, parameters: Map<string, string>): Map<string, string> {
  const match = /^([\p{ID_Start}$_][\p{ID_Continue}$]*)=([\s\S]*)$/u.exec(text);
  if (match === null) {
    throw userError('PARAMETER_SYNTAX', 'a parameter as name=value', text, 'write -p steps=100');
  }
  return new Map(parameters).set(match[1]!, match[2]!);
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected seconds above 0');
  return value;
}

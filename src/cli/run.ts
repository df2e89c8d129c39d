/** `interplay run NOTEBOOK.ipynb --out F.ipynb`: executes a notebook without Jupyter and without Python. */
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readUserFile, userError, writeFileAtomically } from '../core/index.ts';
import { type CellFailure, executeNotebook } from '../kernel/headless.ts';
import { formatNotebook, parseNotebook } from '../kernel/nbformat.ts';
import type { Json } from '../kernel/protocol.ts';
import { TYPE_CHECK_MODES, type TypeCheckMode } from '../kernel/type-check-mode.ts';
import { integerOption } from './terminal.ts';

/** A long cell says where it is this often. */
const UPDATE_MS = 10_000;

interface RunOptions {
  out: string;
  parameter: Map<string, Json>;
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
    .option('-p, --parameter <name=value>', 'set a variable; JSON, or else text', addParameter, new Map())
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
  const { timeout, allowErrors, json, seed } = options;
  const parameters = new Map(options.parameter);
  if (seed !== undefined) parameters.set('seed', seed);
  const startedAt = performance.now();
  let saidAt = startedAt;
  let where = 'run';
  const say = (text: string) => {
    saidAt = performance.now();
    process.stderr.write(`${text}, ${((saidAt - startedAt) / 1000).toFixed(1)} s\n`);
  };
  // The first Ctrl-C stops the cell and saves, the second ends the program as usual.
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
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
    onUpdate: (text) => {
      if (performance.now() - saidAt >= UPDATE_MS) say(`${where}: ${text.split('\n')[0]}`);
    },
  });
  writeFileAtomically(options.out, formatNotebook(result.notebook));
  const { executed, failures } = result;
  const summary = { out: resolve(options.out), executed, failures, seconds: round(result.seconds) };
  process.stdout.write(
    json ? `${JSON.stringify(summary)}\n` : `${executed} cells in ${summary.seconds} s: ${summary.out}\n`,
  );
  if (stop.signal.aborted) process.exitCode = 130;
  else if (failures.length > 0 && allowErrors !== true) {
    const got = describe(failures[0]!);
    process.stderr.write(
      `interplay: CELL_FAILED: expected every cell to succeed, got ${got}; do look at ${options.out}\n`,
    );
    process.exitCode = 1;
  }
}

function describe({ cell, ename, evalue }: CellFailure): string {
  return `cell ${cell} ended with ${ename}: ${evalue.replace(/\s+/g, ' ').slice(0, 300)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function addParameter(text: string, parameters: Map<string, Json>): Map<string, Json> {
  const match = /^([A-Za-z_$][\w$]*)=([\s\S]*)$/.exec(text);
  if (match === null) {
    throw userError('PARAMETER_SYNTAX', 'a parameter as name=value', text, 'write -p steps=100');
  }
  return new Map(parameters).set(match[1]!, parseValue(match[2]!));
}

/** `3`, `true`, `[1,2]` are JSON; anything else is text, so that quotes are needed for `"3"` only. */
function parseValue(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected seconds above 0');
  return value;
}

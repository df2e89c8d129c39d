/**
 * `npm run bench -- NAME [--json] [--config small|big|micro] [--profile] [--steps N] [--tasks N]`: one benchmark,
 * its peers measured in the same run. Each lives in a file of its name that exports `nameBenchmark(options)`.
 */
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { InterplayError, userError } from '../src/core/index.ts';
import { closePeers } from './peer.ts';
import type { BenchmarkOptions, BenchmarkReport, BenchmarkRow } from './table.ts';

const names = [
  'gemm',
  'train',
  'sample',
  'evaluate',
  'memory',
  'generate',
  'unique',
  'verify',
  'letter-bug',
  'similarity',
  'tokenizer',
  'kernel',
  'loader',
  'loop',
  'grpo',
  'rmt',
  'graph',
  'backends',
  'figures',
];

function commandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        config: { type: 'string' },
        profile: { type: 'boolean', default: false },
        steps: { type: 'string' },
        tasks: { type: 'string' },
      },
    });
  } catch (error) {
    const usage = 'NAME [--json] [--config micro|small|big] [--profile] [--steps N] [--tasks N]';
    throw userError('USAGE', usage, (error as Error).message, `give a name of ${names.join(', ')}`);
  }
}

async function main(): Promise<void> {
  const { values, positionals } = commandLine();
  const [name] = positionals;
  if (positionals.length !== 1 || name === undefined || !names.includes(name)) {
    throw userError(
      'BENCHMARK_NAME',
      `one of ${names.join(', ')}`,
      positionals.join(' ') || 'none',
      'name one',
    );
  }
  const result = await (await load(name))({
    profile: values.profile,
    ...(values.config === undefined ? {} : { config: values.config }),
    ...(values.steps === undefined ? {} : { steps: count('steps', values.steps) }),
    ...(values.tasks === undefined ? {} : { tasks: count('tasks', values.tasks) }),
  });
  const { rows, notes = [], tables = [], passed = true } = Array.isArray(result) ? { rows: result } : result;
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const print = (lines: readonly string[], to: NodeJS.WriteStream) => to.write(`${lines.join('\n')}\n`);
  if (values.json) {
    // Text for people would spoil the JSON.
    if (notes.length + tables.length > 0) print([...notes, ...tables], process.stderr);
    print([JSON.stringify({ name, machine, rows }, null, 2)], process.stdout);
  } else {
    print([`${name} on ${machine}`, ...rows.map(line)], process.stdout);
    if (tables.length > 0) print(tables, process.stdout);
    if (notes.length > 0) print(notes, process.stdout);
  }
  if (!passed) process.exitCode = 1;
}

/** A number of steps or tasks from the command line. */
function count(option: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw userError('USAGE', `--${option} with a number above 0`, text, 'correct it');
}

type Benchmark = (options: BenchmarkOptions) => Given | Promise<Given>;

/** A benchmark without anything to remark gives its rows alone. */
type Given = BenchmarkRow[] | BenchmarkReport;

async function load(name: string): Promise<Benchmark> {
  const file = new URL(`./${name}.ts`, import.meta.url);
  if (!existsSync(fileURLToPath(file))) {
    throw userError(
      'BENCHMARK_NAME',
      'a benchmark of this version',
      name,
      `choose another of ${names.join(', ')}`,
    );
  }
  const exported = `${name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())}Benchmark`;
  return ((await import(file.href)) as Record<string, Benchmark>)[exported]!;
}

function line({ work, ours, unit, peer, peer_name, ratio, limit }: BenchmarkRow): string {
  const number = (x: number) => (Math.abs(x) >= 1000 ? x.toFixed(0) : x.toPrecision(4));
  const beside = peer === null ? '' : `, ${peer_name} ${number(peer)}, ratio ${number(ratio!)}`;
  const bound = limit === null ? '' : `, limit ${number(limit)}${share(ours, unit, limit)}`;
  return `  ${work}: ${number(ours)} ${unit}${beside}${bound}`;
}

/** How much of what the machine can do; for the units whose limits are the machine's. */
function share(ours: number, unit: string, limit: number): string {
  return ['GFLOP/s', 'tokens/s'].includes(unit) ? ` (${((100 * ours) / limit).toFixed(0)} % of it)` : '';
}

try {
  await main();
} catch (error) {
  if (!(error instanceof InterplayError)) throw error;
  process.stderr.write(`interplay: ${error.code}: ${error.message}\n`);
  process.exitCode = 2;
} finally {
  await closePeers();
}

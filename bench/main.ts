/**
 * `npm run bench -- NAME [--json] [--config small|big|micro]`: one benchmark, its peers measured in the same run.
 * Each lives in a file of its name that exports `NAMEBenchmark(options)`.
 */
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { InterplayError, userError } from '../src/core/index.ts';
import type { BenchmarkOptions, BenchmarkRow } from './table.ts';

const names = ['gemm', 'train', 'sample', 'generate', 'verify', 'tokenizer', 'kernel'];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, config: { type: 'string' } },
  });
  const [name] = positionals;
  if (positionals.length !== 1 || name === undefined || !names.includes(name)) {
    throw userError(
      'BENCHMARK_NAME',
      `one of ${names.join(', ')}`,
      positionals.join(' ') || 'none',
      'name one',
    );
  }
  const rows = await (await load(name))(values.config === undefined ? {} : { config: values.config });
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  if (values.json) process.stdout.write(`${JSON.stringify({ name, machine, rows }, null, 2)}\n`);
  else process.stdout.write(`${name} on ${machine}\n${rows.map(line).join('\n')}\n`);
}

type Benchmark = (options: BenchmarkOptions) => BenchmarkRow[] | Promise<BenchmarkRow[]>;

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
  return ((await import(file.href)) as Record<string, Benchmark>)[`${name}Benchmark`]!;
}

function line({ work, ours, unit, peer, peer_name, ratio, limit }: BenchmarkRow): string {
  const number = (x: number) => x.toPrecision(4);
  const beside = peer === null ? '' : `, ${peer_name} ${number(peer)}, ratio ${number(ratio!)}`;
  return `  ${work}: ${number(ours)} ${unit}${beside}${limit === null ? '' : `, limit ${number(limit)}`}`;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof InterplayError)) throw error;
  process.stderr.write(`interplay: ${error.code}: ${error.message}\n`);
  process.exitCode = 2;
}

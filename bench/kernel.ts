/**
 * Speed of the notebook kernel as a front end sees it, over its sockets; beside it ipykernel (Python), driven
 * by the same client in the same run, where it is installed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type LaunchedKernel, launchKernel } from '../src/kernel/launch.ts';
import type { BenchmarkRow } from './table.ts';

const PYTHON = '/usr/bin/python3';
const LINES = 100_000;
const CELLS = 20;
/** What is typed behind the name of an array, one completion each. */
const TYPED = ['re', 'ma', 'fi', 'so', 'sl', 'co', 'in', 'ke', 'fo'];
/** Milliseconds after the last answer, when the garbage has been collected. */
const REST_MS = 2500;

/** One measured quantity of a kernel; undefined where the kernel or the platform has no such thing. */
interface Measured {
  ready: number;
  first: number;
  median: number;
  /** The first cell whose types are checked: it waits for the language service, which starts with the kernel. */
  checked: number;
  lines: number;
  memory: number | undefined;
}

export async function kernelBenchmark(): Promise<BenchmarkRow[]> {
  const ours = await measure(
    undefined,
    'const root = Math.sqrt(2)',
    `for (let i = 0; i < ${LINES}; i++) console.log(i)`,
  );
  const hasPeer = spawnSync(PYTHON, ['-c', 'import ipykernel']).status === 0;
  const command = [PYTHON, '-m', 'ipykernel_launcher', '-f'];
  const peer = hasPeer
    ? await measure(command, 'root = 2 ** 0.5', `for i in range(${LINES}): print(i)`)
    : undefined;
  const row = (work: string, key: keyof Measured, unit: string, limit: number | null): BenchmarkRow => {
    const [mine, theirs] = [ours[key] ?? Number.NaN, peer?.[key] ?? null];
    const ratio = theirs === null ? null : mine / theirs;
    return {
      work,
      ours: mine,
      unit,
      peer: theirs,
      peer_name: theirs === null ? null : 'ipykernel',
      ratio,
      limit,
    };
  };
  const language = await measureLanguage();
  const project = await measureProject();
  const alone = { peer: null, peer_name: null, ratio: null };
  return [
    row('start until the first answer', 'ready', 's', 2.5),
    row('first cell', 'first', 'ms', null),
    row('1+1, median', 'median', 'ms', 10),
    row('first cell whose types are checked, at once', 'checked', 's', null),
    row(`${LINES} lines, one write each`, 'lines', 's', 2),
    row('memory after that', 'memory', 'MB', null),
    { work: 'first completion', ours: language.cold, unit: 'ms', ...alone, limit: null },
    { work: 'completion, warm', ours: language.warm, unit: 'ms', ...alone, limit: 100 },
    { work: 'completion while a cell runs', ours: language.busy, unit: 'ms', ...alone, limit: 100 },
    { work: 'memory with the language service', ours: language.memory, unit: 'MB', ...alone, limit: 450 },
    { work: 'its peak', ours: language.peak, unit: 'MB', ...alone, limit: null },
    { work: 'memory with all of src loaded', ours: project.memory, unit: 'MB', ...alone, limit: 450 },
    { work: 'its peak', ours: project.peak, unit: 'MB', ...alone, limit: null },
    { work: 'type check of a cell then', ours: project.check, unit: 'ms', ...alone, limit: null },
    { work: 'Stop of a synchronous loop', ours: language.stop, unit: 'ms', ...alone, limit: null },
  ];
}

async function measure(
  command: readonly string[] | undefined,
  checking: string,
  printing: string,
): Promise<Measured> {
  const started = performance.now();
  const kernel = await launchKernel({ cwd: tmpdir(), ...(command === undefined ? {} : { command }) });
  const ready = (performance.now() - started) / 1000;
  try {
    const first = await timed(kernel, '1+1');
    const times: number[] = [];
    for (let i = 0; i < CELLS; i++) times.push(await timed(kernel, '1+1'));
    const checked = (await timed(kernel, checking)) / 1000;
    const lines = (await timed(kernel, printing)) / 1000;
    return { ready, first, median: median(times), checked, lines, memory: memoryOf(kernel)?.resident };
  } finally {
    await kernel.close();
  }
}

async function measureLanguage() {
  const kernel = await launchKernel({ cwd: tmpdir() });
  const complete = async (code: string) => {
    const started = performance.now();
    await kernel.client.request('shell', 'complete_request', { code, cursor_pos: code.length });
    return performance.now() - started;
  };
  try {
    await kernel.client.execute('const numbers = [1, 2, 3]');
    const cold = await complete('numbers.ma');
    const completions = async () => {
      const times: number[] = [];
      for (const typed of TYPED) times.push(await complete(`numbers.${typed}`));
      return median(times);
    };
    const warm = await completions();
    const loop = kernel.client.execute('while (true);');
    const busy = await completions();
    const started = performance.now();
    await kernel.client.interrupt();
    await loop;
    const stop = performance.now() - started;
    return { cold, warm, busy, stop, ...(await restedMemory(kernel)) };
  } finally {
    await kernel.close();
  }
}

/** The most a session loads and checks: everything this package has, and helpers of every layer. */
const EVERYTHING = [
  "import * as everything from '../src/index.ts'",
  "const source = tasks.createTaskSource({ world: 'micro', ops: '2-4', split: 'train', seed: 1 }); source.at(0).op",
  "figures.lossCurves([{ exposure: 'A', tokens: 1, value: 2 }], { by: 'exposure' })",
];

/** In a notebook of this project; `check` is a cell of arithmetic that has to be checked, the median of several. */
async function measureProject() {
  const kernel = await launchKernel({ cwd: fileURLToPath(new URL('../notebooks', import.meta.url)) });
  try {
    for (const code of EVERYTHING) {
      const { reply } = await kernel.client.execute(code);
      if (reply.status !== 'ok') throw new Error(`${code}: ${String(reply.evalue)}`);
    }
    for (const code of ['everything.', 'source.at(0).', 'train.']) {
      await kernel.client.request('shell', 'complete_request', { code, cursor_pos: code.length });
    }
    const times: number[] = [];
    for (let i = 0; i < 5; i++) times.push(await timed(kernel, `const root${i} = Math.sqrt(${i})`));
    return { check: median(times), ...(await restedMemory(kernel)) };
  } finally {
    await kernel.close();
  }
}

async function timed(kernel: LaunchedKernel, code: string): Promise<number> {
  const started = performance.now();
  await kernel.client.execute(code);
  return performance.now() - started;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

/** Megabytes held now, and the most so far; only where /proc tells. */
function memoryOf({ process: child }: LaunchedKernel): { resident: number; peak: number } | undefined {
  if (process.platform !== 'linux') return undefined;
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1000;
  return { resident: read('VmRSS'), peak: read('VmHWM') };
}

/** What a kernel holds that has nothing to do, and the most it has held. */
async function restedMemory(kernel: LaunchedKernel): Promise<{ memory: number; peak: number }> {
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  const { resident = Number.NaN, peak = Number.NaN } = memoryOf(kernel) ?? {};
  return { memory: resident, peak };
}

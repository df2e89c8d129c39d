/**
 * Leaving out duplicates at size: `npm run bench -- unique [--steps 5000000]`. First the table of digests alone,
 * beside JavaScript's own `Set` of the same digests; then one stream of tasks looked at in each sense of
 * duplicate, with what is left and what the tables take. Minutes of work on one core.
 */
import { DigestSet, digest64 } from '../src/core/index.ts';
import { createTaskSource, UNIQUE_BY } from '../src/tasks/index.ts';
import { taskDigest } from '../src/tasks/unique.ts';
import { type BenchmarkOptions, type BenchmarkReport, type BenchmarkRow, row } from './table.ts';

const TASKS = 5_000_000;
/** Bytes of digest table a task, at most: four fifths filled after growing by a quarter. */
const MOST_BYTES = 12.5;

export function uniqueBenchmark({ steps = TASKS }: BenchmarkOptions): BenchmarkReport {
  return { rows: [...tables(steps), ...stream(steps)] };
}

/** Tables of `count` digests of which a tenth comes twice. */
function tables(count: number): BenchmarkRow[] {
  const words = new Uint32Array(2 * count);
  for (let i = 0; i < count; i++) words.set(digest64(String(i % Math.ceil(0.9 * count))), 2 * i);

  const set = new DigestSet();
  const ours = seconds(() => {
    for (let i = 0; i < count; i++) set.add(words[2 * i]!, words[2 * i + 1]!);
  });
  const plain = new Set<number>();
  const heap = process.memoryUsage().heapUsed;
  const peer = seconds(() => {
    // 53 bits as a number, the smallest key that a Set can have; a key of all 64 would be a text or a bigint.
    for (let i = 0; i < count; i++) plain.add(words[2 * i]! * 2 ** 21 + (words[2 * i + 1]! >>> 11));
  });
  const name = 'Set of 53 bits';
  return [
    row('add a digest', 'digests/s', count / ours, { value: count / peer, name }, null),
    row(
      'memory of digests',
      'bytes/digest',
      set.bytes / set.size,
      { value: (process.memoryUsage().heapUsed - heap) / plain.size, name },
      MOST_BYTES,
    ),
  ];
}

/** One stream of forward and reverse problems in three contexts, ops 2–20. */
function stream(count: number): BenchmarkRow[] {
  const source = createTaskSource({ ops: '2-20', modes: ['forward', 'reverse'] });
  const sets = UNIQUE_BY.map((by) => ({ by, set: new DigestSet(), seconds: 0 }));
  const made = seconds(() => {
    for (let i = 0; i < count; i++) {
      const task = source.at(i);
      for (const entry of sets) {
        const started = performance.now();
        entry.set.add(...taskDigest(task, entry.by));
        entry.seconds += (performance.now() - started) / 1000;
      }
    }
  });
  const looking = sets.reduce((sum, entry) => sum + entry.seconds, 0);
  return [
    row('tasks drawn', 'tasks/s', count / (made - looking), undefined, null),
    ...sets.flatMap(({ by, set, seconds: own }) => [
      row(`unique by ${by}: time for each task`, 'µs', (own / count) * 1e6, undefined, null),
      row(`unique by ${by}: different of ${count}`, 'tasks', set.size, undefined, null),
      row(`unique by ${by}: memory`, 'bytes/task kept', set.bytes / set.size, undefined, MOST_BYTES),
    ]),
    row('resident memory at the end', 'MB', process.memoryUsage.rss() / 1e6, undefined, null),
  ];
}

function seconds(work: () => void): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}

/**
 * Speed of topology similarity: 10,000 graphs of op 2–20, half of them reverse, against 100,000 training graphs.
 * Building the index counts; drawing the tasks does not.
 */
import { TopologyIndex, taskTopology } from '../src/analysis/index.ts';
import { createTaskSource } from '../src/tasks/index.ts';
import { type BenchmarkRow, row } from './table.ts';

const TRAINING = 100_000;
const ASKED = 10_000;

/** Seconds of processor time, as others use the machine too. */
export async function similarityBenchmark(): Promise<BenchmarkRow[]> {
  const kinds = { ops: '2-20', modes: ['forward', 'reverse'] };
  const topologies = (split: string, count: number) =>
    createTaskSource({ ...kinds, split, seed: 1 })
      .take(count)
      .map(taskTopology);
  const training = topologies('train', TRAINING);
  const asked = topologies('test', ASKED);
  const before = process.cpuUsage();
  const index = new TopologyIndex(training);
  const built = process.cpuUsage(before);
  for (const topology of asked) index.similarity(topology);
  const all = process.cpuUsage(before);
  const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1e6;
  return [
    row(
      `index of ${TRAINING} training graphs (${index.different} different)`,
      's',
      seconds(built),
      undefined,
      null,
    ),
    row(`similarity of ${ASKED} graphs to them, index included`, 's', seconds(all), undefined, 60),
  ];
}

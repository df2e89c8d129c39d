/**
 * Speed of verification: op-10 responses parsed, compared and rewarded under both verdicts, on one core. Half of
 * the responses are right (with a gold solution's text), half have a wrong number.
 */
import { internalError } from '../src/core/errors.ts';
import { createTaskSource, responseText } from '../src/tasks/index.ts';
import { prepareGold, verify } from '../src/verify/index.ts';
import { type BenchmarkRow, row } from './table.ts';

const TASKS = 200;
const SAMPLES = 64;
const ROUNDS = 5;

/** Responses per second of processor time; the best of several rounds, as others use the machine too. */
export async function verifyBenchmark(): Promise<BenchmarkRow[]> {
  const rate = (mode: string, limit: number | null): BenchmarkRow =>
    row(
      `verify op-10 ${mode} responses (both verdicts), one core`,
      'responses/s',
      speed(mode),
      undefined,
      limit,
    );
  // Reverse solutions are nearly twice as long; nothing was promised for them.
  return [rate('forward', 20_000), rate('reverse', null)];
}

function speed(mode: string): number {
  const jobs = createTaskSource({ ops: '10', modes: [mode], seed: 1 })
    .take(TASKS)
    .map((task) => {
      const right = responseText(task);
      const wrong = right.replace(/= (\d+)\./, (_, number: string) => `= ${Number(number) + 1}.`);
      return { gold: prepareGold(task), responses: [right, wrong] };
    });
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let verified = 0;
    const before = process.cpuUsage();
    for (const { gold, responses } of jobs) {
      for (let i = 0; i < SAMPLES; i++) {
        // A fresh string, as from a sampler: nothing about it is cached.
        const response = `${responses[i % 2]!} `.slice(0, -1);
        if (verify(gold, response).verified) verified++;
      }
    }
    const { user, system } = process.cpuUsage(before);
    if (verified !== (TASKS * SAMPLES) / 2) throw internalError(`${verified} responses verified`);
    best = Math.max(best, (TASKS * SAMPLES) / ((user + system) / 1e6));
  }
  return best;
}

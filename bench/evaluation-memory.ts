/**
 * `node --import tsx bench/evaluation-memory.ts CHECKPOINT OUT TASKS SLOTS`: evaluates and prints the most resident bytes
 * of its process.
 */
import { useBackend } from '../src/backend/index.ts';
import { evaluate } from '../src/evaluate/index.ts';
import { loadModel } from '../src/model/index.ts';
import { evaluatedTasks, SETTINGS } from './evaluating.ts';
import { peakResidentBytes } from './resident.ts';

const [checkpoint, out, tasks, slots] = process.argv.slice(2);
await useBackend('auto');
await evaluate(loadModel(checkpoint!), evaluatedTasks(Number(tasks)), {
  ...SETTINGS,
  out: out!,
  slots: Number(slots),
});
process.stdout.write(String(peakResidentBytes()));

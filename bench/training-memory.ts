/** `node --import tsx bench/training-memory.ts CONFIG STEPS`: trains and prints the most resident bytes of its process. */
import { useBackend } from '../src/backend/index.ts';
import { pack } from '../src/train/index.ts';
import { peakResidentBytes } from './resident.ts';
import { BATCH, LENGTH, Training } from './training.ts';
import { benchmarkConfig, benchmarkModel, randomSequences } from './workload.ts';

const [name, steps] = process.argv.slice(2);
await useBackend('auto');
const { config } = benchmarkConfig(name);
const training = new Training(benchmarkModel(config));
const batch = pack(randomSequences(config, BATCH, LENGTH + 1));
for (let step = 0; step < Number(steps); step++) training.step(batch);
process.stdout.write(String(peakResidentBytes()));

/**
 * Runs the comparison of this folder for some seeds and models, and collects what they have left into `results`.
 *
 *     node --import tsx runs/reinforcement-mid-training/run.ts --seeds 1,2,3
 *     node --import tsx runs/reinforcement-mid-training/run.ts --seeds 3 --models base,rmt
 *
 * Then, with all of them finished,
 *
 *     node --import tsx runs/reinforcement-mid-training/run.ts --collect
 *
 * Two processes on different seeds or models share the work (a run folder belongs to one process at a time; models need
 * `base` first). ^C stops after a step; the same command goes on.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useBackend } from '../../src/index.ts';
import { collect, writeResults } from './collect.ts';
import { ABLATIONS, type Experiment, MODELS, type ModelName, measureTokens, solve } from './experiment.ts';

const { values: given } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1,2,3' },
    models: { type: 'string', default: MODELS.join() },
    out: { type: 'string', default: 'out/rmt-micro' },
    quick: { type: 'boolean', default: false },
    collect: { type: 'boolean', default: false },
  },
});
process.chdir(fileURLToPath(new URL('../..', import.meta.url))); // paths as in the README, from the project's root
await useBackend('auto');
const experiments: Experiment[] = given.seeds
  .split(',')
  .map((seed) => ({ out: given.out, seed: Number(seed), quick: given.quick }));
for (const experiment of given.collect ? [] : experiments) {
  for (const name of given.models.split(',') as ModelName[]) {
    await measureTokens(experiment, name);
    await solve(experiment, name, 'mid');
    if (!(ABLATIONS as readonly string[]).includes(name)) await solve(experiment, name, 'grpo');
    process.stderr.write(`seed ${experiment.seed}: ${name} done\n`);
  }
}
if (given.collect) {
  writeResults(
    fileURLToPath(new URL('results', import.meta.url)),
    await collect(experiments, given.models.split(',') as ModelName[]),
  );
}

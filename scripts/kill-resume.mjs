// Kills training runs with SIGKILL at seeded random moments, resumes them until they are done, and compares what they
// leave with an uninterrupted run, byte by byte:
//   node scripts/kill-resume.mjs [--program pretrain] [--kills 20] [--runs 5] [--seed 0] [--out out/kill-resume]
//     [--set key=value …]
// The kills are spread over the runs: a run that was resumed is killed again, and one wrong resume would show in its last
// byte. Status 1 when any run differs. The program is pretrain, grpo or rmt, and settings are those of its --set; by default
// pretrain trains a `small` model on 500,000 tokens with a checkpoint every 50,000. Samples of responses are compared, too.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ensureInstalled, root } from './install.mjs';

ensureInstalled();
const { register } = await import('tsx/esm/api');
register();
const { randomFamily } = await import('../src/core/random.ts');

const { values } = parseArgs({
  options: {
    program: { type: 'string', default: 'pretrain' },
    kills: { type: 'string', default: '20' },
    runs: { type: 'string', default: '5' },
    seed: { type: 'string', default: '0' },
    out: { type: 'string', default: 'out/kill-resume' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const settings = [
  ...(values.set.length > 0 || values.program !== 'pretrain'
    ? []
    : ['model=small', 'tokens=500000', 'save_every_tokens=50000', 'keep_last=2']),
  ...values.set,
].flatMap((setting) => ['--set', setting]);

/** Starts the program in a folder, as new or going on. */
function start(folder) {
  // A run that was killed before it wrote its settings has not begun.
  const how = existsSync(join(folder, 'config.json')) ? '--resume' : '--overwrite';
  const command = ['bin/interplay.mjs', values.program, '--out', folder, how, ...settings];
  const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, errors }));
  return { child, ended };
}

/** Waits for the end of a run; its failure is ours. */
async function finish(ended) {
  const { code, errors } = await ended;
  if (code !== 0) throw new Error(`${values.program} ended with status ${code}: ${errors}`);
}

/** Everything of a run that must not depend on how it was cut. */
function traces(folder) {
  const checkpoint = readFileSync(join(folder, 'checkpoints/latest'), 'utf8').trim();
  const files = readdirSync(join(folder, 'checkpoints', checkpoint)).map(
    (name) => `checkpoints/${checkpoint}/${name}`,
  );
  const samples = existsSync(join(folder, 'samples')) ? readdirSync(join(folder, 'samples')) : [];
  const names = [
    'config.json',
    'metrics.jsonl',
    'checkpoints/latest',
    ...files,
    ...samples.map((name) => `samples/${name}`),
  ];
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

rmSync(values.out, { recursive: true, force: true });
const whole = join(values.out, 'whole');
const began = performance.now();
await finish(start(whole).ended);
const duration = performance.now() - began;
const expected = traces(whole);
process.stdout.write(`uninterrupted: ${(duration / 1000).toFixed(1)} s\n`);

const moments = randomFamily('kill moments', Number(values.seed));
const kills = Number(values.kills);
const runs = Math.min(kills, Number(values.runs));
let survived = 0;
for (let run = 0; run < runs; run++) {
  const folder = join(values.out, `run-${run}`);
  const count = Math.floor(((run + 1) * kills) / runs) - Math.floor((run * kills) / runs);
  const stream = moments.at(run);
  const shares = Array.from({ length: count }, () => stream.uniform()).sort((a, b) => a - b);
  const found = await killedRun(
    folder,
    shares.map((share, i) => (share - (shares[i - 1] ?? 0)) * duration),
  );
  const different = [...new Set([...expected.keys(), ...found.keys()])].filter(
    (name) => !(expected.get(name) && found.get(name)?.equals(expected.get(name))),
  );
  const verdict = different.length === 0 ? 'same bytes' : `DIFFERENT: ${different.join(', ')}`;
  process.stdout.write(`run ${run + 1}: ${verdict}\n`);
  if (different.length > 0) continue;
  survived += count;
  rmSync(folder, { recursive: true });
}
process.stdout.write(
  `${survived} of ${kills} kills left nothing behind: ${runs} runs compared with the uninterrupted one\n`,
);
process.exitCode = survived === kills ? 0 : 1;

/** A run that is killed that many milliseconds after each of its starts, and then left to end; its traces. */
async function killedRun(folder, delays) {
  for (const delay of delays) {
    const { child, ended } = start(folder);
    await Promise.race([sleep(delay), ended]);
    child.kill('SIGKILL'); // a run that has ended is resumed all the same: nothing may change
    await ended;
    const latest = join(folder, 'checkpoints/latest');
    const at = existsSync(latest) ? readFileSync(latest, 'utf8').trim() : 'no checkpoint';
    process.stdout.write(`killed after ${(delay / 1000).toFixed(1)} s, goes on from ${at}\n`);
  }
  await finish(start(folder).ended);
  return traces(folder);
}

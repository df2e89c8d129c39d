import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { addonPath, sanitized } from '../../native/addon-path.mjs';
import { probeBackends } from '../../src/backend/index.ts';
import { loadEngine } from '../../src/backend/native/engine.ts';
import { randomFamily } from '../../src/core/index.ts';

describe('native engine', () => {
  before(async function () {
    const native = (await probeBackends()).find((probe) => probe.name === 'native')!;
    if (!native.available) this.skip();
  });

  it('an array whose address was taken survives until the operation has run', async () => {
    const engine = loadEngine();
    const control: WeakRef<Int32Array>[] = [];
    const addressed: WeakRef<Int32Array>[] = [];
    // A loop, since the current frame may keep the last array of either kind alive by chance.
    for (let i = 0; i < 3; i++) {
      control.push(new WeakRef(new Int32Array(1000)));
      const array = new Int32Array(1000);
      addressed.push(new WeakRef(array));
      engine.address(array);
    }
    await new Promise((resolve) => setImmediate(resolve)); // a WeakRef holds its target until the turn ends
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    assert.ok(
      control.some((ref) => ref.deref() === undefined),
      'nothing was collected: the test shows nothing',
    );
    assert.ok(addressed.every((ref) => ref.deref() !== undefined));
  });

  it('memory that the system does not have is a JavaScript error, on every thread', () => {
    const { args, op, run, address } = loadEngine();
    // Attention over one segment of 2³¹−1 rows of 2²⁰ numbers: 2⁵³ bytes of scratch, asked for before anything
    // is read. Eight heads, so that workers meet it as well.
    const segments = Int32Array.of(0, 2 ** 31 - 1);
    const ask = () => {
      args.set([0, 0, 0, 0, 0, 8, 8, 2 ** 20, address(segments), 1]);
      return run(op.attention!);
    };
    for (let i = 0; i < 20; i++) assert.throws(ask, { code: 'OUT_OF_MEMORY' });
    assert.equal(gatherOnce(0), 0);
  });

  it('memory: what is given out never overlaps, joins again when free, and is counted', () => {
    const { allocate, release, memory, trim } = loadEngine();
    const [inUse, count] = [memory(0), memory(2)];
    const stream = randomFamily('allocator test').at(0);
    const live = new Map<number, number>(); // address → bytes
    for (let round = 0; round < 3000; round++) {
      if (live.size > 0 && stream.uniform() < 0.5) {
        const address = [...live.keys()][stream.below(live.size)]!;
        release(address);
        live.delete(address);
      } else {
        const bytes = Math.floor(2 ** (stream.uniform() * 24));
        const address = allocate(bytes);
        assert.equal(address % 64, 0);
        for (const [other, size] of live) assert.ok(other + size <= address || address + bytes <= other);
        live.set(address, bytes);
      }
    }
    const asked = [...live.values()].reduce((a, b) => a + b, 0);
    const given = memory(0) - inUse;
    assert.ok(given >= asked && given <= asked * 1.125 + live.size * 4224, `${given} given for ${asked}`);
    assert.equal(memory(2) - count, live.size);
    assert.ok(memory(3) >= memory(0), 'the high-water mark lies above what is in use');
    for (const address of live.keys()) release(address);
    assert.deepEqual([memory(0), memory(2)], [inUse, count]);
    if (sanitized) return; // every block is the system's then
    // All neighbours joined again: one block as large as all that was given out fits without new memory.
    const held = memory(0) + memory(1);
    const large = allocate(Math.min(given, 60 * 2 ** 20));
    assert.equal(memory(0) + memory(1) <= held, true);
    release(large);
    trim();
    assert.ok(memory(1) < held);
    assert.equal(memory(3), memory(0));
  });

  it('threads that do not start are a JavaScript error; fewer still compute', function () {
    // Other systems do not limit address space this way, and the sanitizer needs terabytes of it.
    if (process.platform !== 'linux' || sanitized) this.skip();
    const code = `
      const addon = require(${JSON.stringify(addonPath())});
      addon.threads(1);
      try { addon.threads(200); console.log('started'); }
      catch (error) { console.log(error.message, addon.threads(0) < 200); }
      process.exit(0);`;
    // 199 stacks of 64 MiB do not fit the 2 GiB left beside what Node itself maps.
    const status = `process.stdout.write(require('fs').readFileSync('/proc/self/status'))`;
    const measured = spawnSync(process.execPath, ['-e', status], { encoding: 'utf8' }).stdout;
    const peak = Number(/VmPeak:\s+(\d+)/.exec(measured)![1]); // KiB
    const shell = `ulimit -s 65536 && ulimit -v ${peak + 2 ** 21} && exec "$0" -e "$1"`;
    const run = spawnSync('/bin/sh', ['-c', shell, process.execPath, code], { encoding: 'utf8' });
    assert.equal(run.signal, null, run.stderr);
    assert.match(run.stdout, /^the native backend could not start .* threads.* true\n$/);
  });

  it("one JavaScript thread's failure is not another's", async () => {
    const [bad, good] = await Promise.all([failures(99), failures(0)]);
    assert.ok(bad.runs > 0 && good.runs > 0);
    assert.deepEqual([bad.thrown, good.thrown], [bad.runs, 0]);
  });
});

/** Gathers one row of a table of two; throws for an index above 1. */
function gatherOnce(index: number): number {
  const { args, op, run, address } = loadEngine();
  const table = Float32Array.of(1, 2);
  const ids = Int32Array.of(index);
  const out = new Float32Array(1);
  args.set([address(out), address(table), address(ids), 1, 2, 4, 1, 0]);
  return run(op.gather!);
}

/**
 * Integer operation `operation` (0 adds, 99 does not exist) on 200,000 rows of 2 for 400 ms (threads start within
 * 100), in a JavaScript thread of its own.
 */
async function failures(operation: number): Promise<{ runs: number; thrown: number }> {
  const code = `
    const { parentPort, workerData: { addonPath, operation } } = require('node:worker_threads');
    const addon = require(addonPath);
    const args = new Float64Array(64);
    addon.attach(args);
    const [out, a, b] = [0, 0, 0].map(() => new Int32Array(400_000));
    const dimensions = [2, 200_000, 2, 0, 2, 1, 1]; // the second operand repeats, so that rows stay apart
    args.set([operation, addon.address(out), addon.address(a), addon.address(b), ...dimensions]);
    let runs = 0, thrown = 0;
    for (const end = performance.now() + 400; performance.now() < end; runs++) {
      try { addon.run(addon.operations.integerBinary); } catch { thrown++; }
    }
    if (out.length + a.length + b.length > 0) parentPort.postMessage({ runs, thrown });`;
  const worker = new Worker(code, { eval: true, workerData: { addonPath: addonPath(), operation } });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  } finally {
    await worker.terminate();
  }
}

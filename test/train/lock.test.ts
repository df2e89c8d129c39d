import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCancellable } from '../../src/core/cancellation.ts';
import { LOCK, lockRun } from '../../src/train/lock.ts';

describe('lock of a run folder', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    path = join(folder, LOCK);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is held until it is given back', () => {
    const unlock = lockRun(folder);
    assert.throws(() => lockRun(folder), { code: 'RUN_LOCKED', message: /this process/ });
    unlock();
    assert.equal(existsSync(path), false);
    lockRun(folder)();
  });

  it('of another living process is respected, of a dead one taken over', async () => {
    const other = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(other.stdout, 'data');
    const started =
      process.platform === 'linux'
        ? readFileSync(`/proc/${other.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]
        : null;
    writeFileSync(path, JSON.stringify({ pid: other.pid, started, host: hostname() }));
    assert.throws(() => lockRun(folder), {
      code: 'RUN_LOCKED',
      message: new RegExp(`process ${other.pid}`),
    });
    other.kill('SIGKILL');
    await once(other, 'exit');
    lockRun(folder)();
    assert.deepEqual(readdirSync(folder), []);
  });

  it('of a process whose number was given away is taken over', function () {
    if (process.platform !== 'linux') this.skip(); // start times are not known
    writeFileSync(path, JSON.stringify({ pid: process.ppid, started: '1', host: hostname() }));
    lockRun(folder)();
  });

  it('of another machine is respected, half a lock is not', () => {
    writeFileSync(path, JSON.stringify({ pid: 1, started: '1', host: 'elsewhere.invalid' }));
    assert.throws(() => lockRun(folder), { code: 'RUN_LOCKED', message: /elsewhere/ });
    writeFileSync(path, '{"pid":');
    lockRun(folder)();
  });

  it('of a cell that was cut off in this process is taken over', () => {
    const stop = new AbortController();
    runCancellable(stop.signal, () => lockRun(folder));
    assert.throws(() => lockRun(folder), { code: 'RUN_LOCKED' });
    stop.abort();
    lockRun(folder)();
  });
});

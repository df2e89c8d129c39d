import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunLog, readMetrics } from '../../src/train/runLog.ts';

describe('run log', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const timing = { seconds: 1, tokens_per_second: 2, mfu: 0.5, seconds_left: 3, memory_mib: 4 };

  it('gives back what was logged, without what a kill left behind a step', () => {
    const log = new RunLog(folder);
    for (const step of [1, 2, 3]) log.metrics({ step, tokens: 10 * step, loss: 1 / step });
    writeFileSync(join(folder, 'metrics.jsonl'), '{"step":4,"tok', { flag: 'a' });
    assert.deepEqual(
      readMetrics(folder).map(({ step }) => step),
      [1, 2, 3],
    );
    log.rewindTo(2);
    assert.deepEqual(readMetrics(folder), [
      { step: 1, tokens: 10, loss: 1 },
      { step: 2, tokens: 20, loss: 0.5 },
    ]);
  });

  it('says in one line where it cannot write', () => {
    const log = new RunLog(folder, { tensorboard: () => 0 });
    rmSync(join(folder, 'tensorboard'), { recursive: true });
    mkdirSync(join(folder, 'tensorboard/events.out.tfevents.interplay'), { recursive: true });
    assert.throws(() => log.metrics({ step: 1, tokens: 1 }), {
      code: 'OUTPUT_UNWRITABLE',
      message: /tfevents/,
    });
    for (const name of ['metrics.jsonl', 'timing.jsonl']) {
      rmSync(join(folder, name), { force: true });
      mkdirSync(join(folder, name));
    }
    const plain = new RunLog(folder);
    assert.throws(() => plain.metrics({ step: 1, tokens: 1 }), { code: 'OUTPUT_UNWRITABLE' });
    assert.throws(() => plain.timing({ step: 1, ...timing }), { code: 'OUTPUT_UNWRITABLE' });
    writeFileSync(join(folder, 'file'), '');
    assert.throws(() => new RunLog(join(folder, 'file', 'run')), { code: 'OUTPUT_UNWRITABLE' });
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MODULE = fileURLToPath(new URL('../../src/kernel/idle-collection.mjs', import.meta.url));

/** A process of its own: the heap of the test runner is nobody's model. */
function observe(script: string): unknown {
  const program = `
    import { IdleCollection } from ${JSON.stringify(MODULE)};
    const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    // More than a collection is worth, and some of it without use.
    const kept = Array.from({ length: 60 }, () => new Array(100_000).fill(1.5));
    const makeGarbage = () => new WeakRef({ large: new Array(1000) });
    const isThere = (reference) => reference.deref() !== undefined;
    ${script}
    if (kept.length !== 60) throw new Error('the memory in use was lost');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program]);
  assert.equal(stderr.toString(), '');
  return JSON.parse(stdout.toString());
}

describe('idle collection', function () {
  this.timeout(30_000);

  it('collects once nothing has been done for a second, and not what is in use', () => {
    const seen = observe(`
      const collection = new IdleCollection();
      const garbage = makeGarbage();
      await rest(1);
      const before = isThere(garbage);
      collection.postpone();
      for (let waited = 0; waited < 100 && isThere(garbage); waited++) await rest(100);
      console.log(JSON.stringify({ before, after: isThere(garbage), gc: typeof globalThis.gc }));`);
    assert.deepEqual(seen, { before: true, after: false, gc: 'undefined' });
  });

  it('leaves alone what is busy again, a heap beyond its limit, and one that has hardly grown', () => {
    const seen = observe(`
      const busy = new IdleCollection(), limited = new IdleCollection(1e6);
      const garbage = makeGarbage();
      busy.postpone();
      limited.postpone();
      await rest(500);
      busy.cancel();
      await rest(1000);
      const early = isThere(garbage);
      const collection = new IdleCollection();
      collection.postpone();
      for (let waited = 0; waited < 100 && isThere(garbage); waited++) await rest(100);
      await rest(400);
      const late = makeGarbage();
      collection.postpone();
      await rest(1500);
      console.log(JSON.stringify({ early, first: isThere(garbage), late: isThere(late) }));`);
    assert.deepEqual(seen, { early: true, first: false, late: true });
  });
});

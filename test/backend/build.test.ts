import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addonPath } from '../../src/backend/native/engine.ts';

const script = fileURLToPath(new URL('../../native/build.mjs', import.meta.url));

describe('native/build.mjs', () => {
  it('without a compiler: one line that says so, a good end, and what was built stays', () => {
    const state = () => (existsSync(addonPath) ? statSync(addonPath).mtimeMs : undefined);
    const before = state();
    const env = { ...process.env, CXX: '/nonexistent/compiler' };
    const run = spawnSync(process.execPath, [script, '--force'], { env, encoding: 'utf8' });
    assert.equal(run.status, 0);
    assert.equal(run.stdout, '');
    assert.match(run.stderr, /^interplay: [^\n]*no C\+\+ compiler[^\n]*cpu backend will be used\n$/);
    assert.equal(state(), before);
  });
});

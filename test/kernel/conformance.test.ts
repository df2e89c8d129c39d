import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installKernelspec } from '../../src/kernel/kernelspec.ts';

const PYTHON = '/usr/bin/python3';
const SUITE = '/usr/lib/python3/dist-packages/jupyter_kernel_test';

describe('conformance', function () {
  this.timeout(600_000);

  it("passes the Jupyter project's own suite (jupyter_kernel_test)", function () {
    const probe = spawnSync(PYTHON, ['-c', 'import jupyter_kernel_test']);
    if (probe.status !== 0) {
      // Continuous integration would not miss a skipped test.
      const isBroken = process.env.CI === 'true' && existsSync(SUITE);
      assert.ok(!isBroken, `${SUITE} is installed and cannot be imported`);
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'interplay-conformance-'));
    try {
      installKernelspec('interplay', { dataDirectory: folder });
      const script = fileURLToPath(new URL('./conformance.py', import.meta.url));
      const env = {
        ...process.env,
        JUPYTER_PATH: folder,
        JUPYTER_RUNTIME_DIR: folder,
        PYTHONWARNINGS: 'ignore',
      };
      const { status, stderr } = spawnSync(PYTHON, [script], { encoding: 'utf8', env, cwd: folder });
      assert.equal(status, 0, stderr);
      // All that ran passed; the one skipped test is about pagers, which this kernel has not.
      assert.match(stderr, /Ran 1[2-9] tests[\s\S]*OK \(skipped=1\)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

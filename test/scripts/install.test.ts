/** scripts/install.mjs never installs through a link: npm ci would empty the folder that it leads to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

describe('installation', () => {
  it('leaves a linked node_modules alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'interplay-install-'));
    try {
      const other = join(folder, 'other');
      const copy = join(folder, 'copy');
      mkdirSync(other);
      mkdirSync(join(copy, 'scripts'), { recursive: true });
      writeFileSync(join(other, 'kept'), '');
      symlinkSync(other, join(copy, 'node_modules'));
      for (const name of ['package.json', 'package-lock.json', 'scripts/install.mjs'])
        copyFileSync(name, join(copy, name));
      const script = pathToFileURL(join(copy, 'scripts/install.mjs')).href;
      const code = `import('${script}').then((module) => module.ensureInstalled())`;
      const { status, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
      assert.equal(status, 2, stderr);
      assert.match(stderr, /^interplay: INSTALL_LINKED: .*\n$/);
      assert.deepEqual(readdirSync(other), ['kept']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

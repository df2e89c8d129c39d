import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InterplayError } from '../../src/core/index.ts';
import { readConnection } from '../../src/kernel/connection.ts';
import { installKernelspec, kernelspecFolder, uninstallKernelspec } from '../../src/kernel/kernelspec.ts';

const CLI = fileURLToPath(new URL('../../bin/interplay.mjs', import.meta.url));
const withCode = (code: string) => (error: unknown) => error instanceof InterplayError && error.code === code;

describe('kernelspec', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-spec-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('names programs that exist, by absolute path, and interrupts by message', () => {
    const place = installKernelspec('mine', { prefix: folder });
    assert.equal(place, join(folder, 'share', 'jupyter', 'kernels', 'mine'));
    const spec = JSON.parse(readFileSync(join(place, 'kernel.json'), 'utf8'));
    const program: string = spec.argv[0];
    const entry: string = spec.argv.at(-2);
    assert.ok(isAbsolute(program) && existsSync(program));
    assert.ok(isAbsolute(entry) && existsSync(entry));
    assert.equal(spec.argv.at(-1), '{connection_file}');
    assert.deepEqual([spec.interrupt_mode, spec.language], ['message', 'typescript']);
    assert.deepEqual(spec.env, { MALLOC_ARENA_MAX: '2' });
  });

  it('uninstall removes our folder and refuses any other', () => {
    const place = installKernelspec('mine', { dataDirectory: folder });
    assert.equal(uninstallKernelspec('mine', { dataDirectory: folder }), place);
    assert.ok(!existsSync(place));
    assert.throws(
      () => uninstallKernelspec('mine', { dataDirectory: folder }),
      withCode('KERNEL_NOT_INSTALLED'),
    );
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'kernel.json'), '{"display_name": "Python 3"}');
    assert.throws(() => uninstallKernelspec('mine', { dataDirectory: folder }), withCode('KERNEL_NOT_OURS'));
    assert.ok(existsSync(join(place, 'kernel.json')));
  });

  it('install replaces an earlier one of ours, and no other', () => {
    const place = installKernelspec('python3', { dataDirectory: folder });
    installKernelspec('python3', { dataDirectory: folder }, 'warn');
    const file = join(place, 'kernel.json');
    assert.match(readFileSync(file, 'utf8'), /--type-check=warn/);
    writeFileSync(file, '{"display_name": "Python 3"}');
    assert.throws(() => installKernelspec('python3', { dataDirectory: folder }), withCode('KERNEL_NOT_OURS'));
    assert.equal(readFileSync(file, 'utf8'), '{"display_name": "Python 3"}');
  });

  it('uninstall leaves what others have put into the folder', () => {
    const place = installKernelspec('mine', { dataDirectory: folder });
    writeFileSync(join(place, 'notes.txt'), 'mine');
    uninstallKernelspec('mine', { dataDirectory: folder });
    assert.deepEqual(readdirSync(place), ['notes.txt']);
  });

  it('refuses names that leave the folder', () => {
    for (const name of ['..', '../x', 'a/b', '', 'a b'])
      assert.throws(() => kernelspecFolder(name), withCode('KERNEL_NAME'));
  });

  it('refuses connection files that are none', () => {
    const file = join(folder, 'c.json');
    const ports = { shell_port: 1, iopub_port: 2, stdin_port: 3, control_port: 4, hb_port: 5 };
    for (const text of [
      '',
      '{"shell_port": 1',
      '3',
      '{}',
      JSON.stringify({ ...ports, transport: 'carrier pigeon' }),
      JSON.stringify({ ...ports, key: 'k', signature_scheme: 'hmac-md5' }),
    ]) {
      writeFileSync(file, text);
      assert.throws(() => readConnection(file), withCode('CONNECTION_FILE'), text);
    }
    assert.throws(() => readConnection(join(folder, 'absent.json')), withCode('INPUT_UNREADABLE'));
    writeFileSync(file, JSON.stringify(ports));
    assert.deepEqual([readConnection(file).transport, readConnection(file).key], ['tcp', '']);
  });

  it('on the command line', function () {
    this.timeout(30_000);
    const interplay = (...words: string[]) =>
      spawnSync(process.execPath, [CLI, 'kernel', ...words], { encoding: 'utf8' });
    const installed = interplay('install', '--prefix', folder, '--json');
    assert.equal(installed.status, 0, installed.stderr);
    assert.equal(JSON.parse(installed.stdout).installed, kernelspecFolder('interplay', { prefix: folder }));
    const both = interplay('install', '--prefix', folder, '--user');
    assert.equal(both.status, 2);
    assert.match(both.stderr, /^interplay: KERNEL_PLACE: /);
    assert.match(interplay('install', '--prefix', '').stderr, /^interplay: KERNEL_PLACE: /);
    assert.equal(interplay('uninstall', '--prefix', folder).status, 0);
  });
});

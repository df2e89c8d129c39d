import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interplay } from './commandLine.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('command line', () => {
  let folder: string;
  let out: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    out = join(folder, 'out');
    writeFileSync(join(folder, 'half.json'), '{"tokens": 10');
    writeFileSync(join(folder, 'list.json'), '[1]');
    writeFileSync(join(folder, 'half.jsonl'), '{"problem": "a", ');
    writeFileSync(join(folder, 'empty.jsonl'), '');
  });
  after(() => rmSync(folder, { recursive: true }));

  const at = (name: string) => join(folder, name);
  const refused: [string, string, () => string[]][] = [
    ['an unknown command', 'USAGE', () => ['generat']],
    ['an unknown option', 'USAGE', () => ['pretrain', '--out', out, '--token', '5']],
    ['a missing required option', 'USAGE', () => ['pretrain']],
    ['a surplus argument', 'USAGE', () => ['env', 'now']],
    ['an unknown setting', 'CONFIG', () => ['pretrain', '--out', out, '--set', 'tokns=5']],
    ['a setting without value', 'SET', () => ['pretrain', '--out', out, '--set', 'tokens']],
    ['a wrong type', 'CONFIG', () => ['pretrain', '--out', out, '--set', 'tokens=many']],
    [
      'a missing configuration',
      'INPUT_UNREADABLE',
      () => ['pretrain', '--out', out, '--config', at('none.json')],
    ],
    [
      'a half-written configuration',
      'JSON_FILE',
      () => ['pretrain', '--out', out, '--config', at('half.json')],
    ],
    [
      'a configuration that is no object',
      'CONFIG',
      () => ['pretrain', '--out', out, '--config', at('list.json')],
    ],
    [
      'an unknown model preset',
      'MODEL_PRESET',
      () => ['pretrain', '--out', out, '--set', 'model=huge', '--backend', 'cpu'],
    ],
    ['an unknown backend', 'USAGE', () => ['pretrain', '--out', out, '--backend', 'tpu']],
    [
      'a backend that is not here',
      'BACKEND_UNAVAILABLE',
      () => ['pretrain', '--out', out, '--backend', 'cuda'],
    ],
    ['a negative seed', 'USAGE', () => ['pretrain', '--out', out, '--seed', '-1']],
    ['no tasks', 'NO_TASKS', () => ['sample', '--model', folder, '--tasks', at('empty.jsonl'), '--out', out]],
    [
      'half-written tasks',
      'JSONL_LINE',
      () => ['sample', '--model', folder, '--tasks', at('half.jsonl'), '--out', out],
    ],
    [
      'a folder that is no model',
      'MODEL_FOLDER',
      () => ['evaluate', '--model', folder, '--tasks', at('empty.jsonl'), '--out', out],
    ],
    [
      'temperature out of range',
      'USAGE',
      () => ['sample', '--model', folder, '--tasks', at('empty.jsonl'), '--out', out, '--temperature', '-1'],
    ],
    [
      'k that is no number',
      'USAGE',
      () => ['evaluate', '--model', folder, '--tasks', at('empty.jsonl'), '--out', out, '--k', '1,x'],
    ],
  ];
  for (const [what, code, argv] of refused) {
    it(`refuses ${what} with ${code}, one line and exit code 2, and writes nothing`, async () => {
      const before = readdirSync(folder);
      const outcome = await interplay(...argv());
      const lines = outcome.stderr
        .trimEnd()
        .split('\n')
        .filter((line) => !line.startsWith('backend: '));
      assert.equal(lines.length, 1, outcome.stderr);
      assert.match(lines[0]!, new RegExp(`^interplay: ${code}: expected .+, got .+; do .+`));
      assert.equal(outcome.code, 2);
      assert.equal(outcome.stdout, '');
      assert.deepEqual(readdirSync(folder), before);
    });
  }

  it('prints help and version with exit code 0', async () => {
    const help = await interplay('--help');
    assert.equal(help.code, 0);
    for (const name of ['generate', 'pretrain', 'evaluate', 'run', 'kernel', 'env'])
      assert.match(help.stdout, new RegExp(`^  ${name}`, 'm'));
    assert.equal((await interplay('pretrain', '--help')).code, 0);
    assert.match((await interplay('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('accepts --json and --seed on every command', async () => {
    const commands = [
      'generate',
      'inspect',
      'tokenizer train',
      'tokenizer stats',
      'pretrain',
      'sample',
      'evaluate',
      'verify',
    ];
    commands.push('analyze', 'figure', 'run', 'kernel install', 'kernel uninstall', 'kernel start', 'env');
    for (const command of commands) {
      const { stdout } = await interplay(...command.split(' '), '--help');
      for (const option of ['--json', '--seed <']) assert.ok(stdout.includes(option), `${command} ${option}`);
    }
  });

  it('env --json prints one document that names every backend and what is missing', async () => {
    const { code, stdout } = await interplay('env', '--json');
    assert.equal(code, 0);
    const facts = JSON.parse(stdout) as {
      node: string;
      backends: { name: string; available: boolean; reason: string }[];
    };
    assert.equal(facts.node, process.version);
    assert.deepEqual(
      facts.backends.map((backend) => backend.name),
      ['native', 'wasm', 'cuda', 'tensorflow', 'webgpu', 'cpu'],
    );
    for (const backend of facts.backends) assert.ok(backend.reason.length > 0);
  });

  it('shows a stack trace only with --debug', async () => {
    const plain = await interplay('pretrain', '--out', out, '--set', 'tokens');
    const debug = await interplay('pretrain', '--debug', '--out', out, '--set', 'tokens');
    assert.doesNotMatch(plain.stderr, /\n\s+at /);
    assert.match(debug.stderr, /\n\s+at /);
  });

  it('works as a program', () => {
    const result = spawnSync(process.execPath, [join(root, 'bin/interplay.mjs'), 'pretrain', '--bogus'], {
      encoding: 'utf8',
    });
    assert.equal(result.status, 2);
    assert.match(result.stderr, /^interplay: USAGE: .+\n$/);
  });
});

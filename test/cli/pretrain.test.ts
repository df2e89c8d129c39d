import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interplay } from './commandLine.ts';

describe('interplay pretrain', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const settings = [
    'model={"hidden_size":8,"intermediate_size":16,"num_hidden_layers":1,"num_attention_heads":2,"num_key_value_heads":1,"vocab_size":420,"max_position_embeddings":512}',
    'tokenizer={"vocabulary":420,"tasks":100}',
    'data={"world":"micro","contexts":["zoo"],"ops":"2-3"}',
    'validation.tasks=0',
    'tokens=500',
    'batch_tokens=250',
  ].flatMap((setting) => ['--set', setting]);

  it('says what it is about to do, shows how it goes, and leaves a checkpoint', async () => {
    const out = join(folder, 'run');
    const { code, stdout, stderr } = await interplay('pretrain', '--out', out, ...settings, '--json');
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.equal(result.finished, true);
    const latest = readFileSync(join(out, 'checkpoints/latest'), 'utf8').trim();
    assert.equal(result.checkpoint, join(out, 'checkpoints', latest));
    // 8·420 of the embedding; q, o 2·64, k, v 2·32, gate, up, down 3·128, biases 8 + 2·4, norms 3·8.
    const matrices = 2 * 64 + 2 * 32 + 3 * 128;
    const inner = matrices + 16 + 24;
    const flops = (6 * (matrices + 8 * 420) * 500).toExponential(2);
    assert.match(stderr, /^backend: /);
    assert.ok(
      stderr.includes(
        `${(inner + 3360).toLocaleString('en-US')} parameters (${inner} without the embedding), ${flops} FLOPs (6·P·T); `,
      ),
      stderr,
    );
    for (const name of ['tokens_per_second', 'mfu', 'memory_mib', 'left'])
      assert.ok(stderr.includes(name), name);
  });

  it('refuses a run folder in use with one line', async () => {
    const { code, stdout, stderr } = await interplay('pretrain', '--out', join(folder, 'run'), ...settings);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^interplay: RUN_EXISTS: .*\n$/);
  });
});

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCancellable } from '../../src/core/cancellation.ts';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { createTaskSource, trainingText } from '../../src/tasks/index.ts';
import { openTokenizer, PAPER_TOKENIZER } from '../../src/tokenizer/index.ts';
import { openShards, parsePretrainConfig, writeShards } from '../../src/train/index.ts';
import { interplay } from './commandLine.ts';

/** What the command prints; a user's error is shown in full. */
async function run(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await interplay('shards', ...words);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** The command is refused with the code. */
async function refuses(code: string, ...words: string[]): Promise<void> {
  const outcome = await interplay('shards', ...words);
  assert.equal(outcome.code, 2);
  assert.ok(outcome.stderr.includes(`interplay: ${code}: `), outcome.stderr);
}

describe('interplay shards', () => {
  let folder: string;
  let out: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cli-shards-'));
    out = join(folder, 'out');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('writes a stretch of a task stream up to a token budget, and checks it', async () => {
    const set = ['--set', 'data.ops=2-3', '--set', 'data.contexts=["zoo"]'];
    const words = ['write', ...set, '--tokens', '20k', '--shard-tokens', '8k', '--seed', '3', '--out', out];
    const written = JSON.parse(await run(...words, '--json'));
    assert.ok(written.tokens >= 20_000 && written.tokens < 20_600);
    assert.equal(written.shards, 3);
    const shards = openShards(out);
    const tokenizer = openTokenizer(PAPER_TOKENIZER);
    const first = createTaskSource({ ops: '2-3', contexts: ['zoo'], seed: 3 }).at(0);
    assert.equal(tokenizer.decode(shards.read(0)), `${trainingText(first)}[EOS]`);
    shards.close();
    assert.match(await run('check', out), /3 shards, whole/);
    assert.deepEqual(JSON.parse(await run('check', out, '--json')), written);
    // A folder of shards may be replaced.
    await run('write', ...set, '--texts', '7', '--out', out);
    assert.equal(openShards(out).texts, 7);
    // Held-out tasks may be encoded, too: here is nothing that trains on them.
    await run('write', ...set, '--set', 'data.split=val', '--texts', '2', '--seed', '3', '--out', out);
    const heldOut = createTaskSource({ ops: '2-3', contexts: ['zoo'], split: 'val', seed: 3 }).at(0);
    assert.equal(tokenizer.decode(openShards(out).read(0)), `${trainingText(heldOut)}[EOS]`);
  });

  it('writes task files to their end', async () => {
    const tasks = createTaskSource({ ops: '2' }).take(9);
    writeJsonLines(join(folder, 'tasks.jsonl'), tasks);
    const written = JSON.parse(
      await run('write', '--data', join(folder, 'tasks.jsonl'), '--out', out, '--json'),
    );
    assert.equal(written.texts, 9);
    assert.deepEqual(readdirSync(folder).sort(), ['out', 'tasks.jsonl']);
  });

  it('refuses what has no end, other files in the folder, and damage', async () => {
    await refuses('USAGE', 'write', '--out', out);
    await refuses('USAGE', 'write', '--set', 'data.shards=x', '--out', out);
    await refuses('THINK_TOKENS', 'write', '--texts', '3', '--set', 'data.thinking={}', '--out', out);
    assert.equal(existsSync(out), false);
    writeFileSync(join(folder, 'precious'), 'x');
    await refuses('SHARDS_FOLDER', 'write', '--texts', '3', '--out', folder);
    assert.equal(readFileSync(join(folder, 'precious'), 'utf8'), 'x');
    await run('write', '--texts', '3', '--out', out);
    truncateSync(join(out, '00000.tokens'), 10);
    await refuses('SHARDS', 'check', out);
  });

  it('stopped, leaves nothing', async () => {
    const stop = new AbortController();
    const { data } = parsePretrainConfig({ data: { ops: '2' } });
    assert.ok(!('shards' in data));
    const tokenizer = openTokenizer(PAPER_TOKENIZER);
    const progress = () => stop.abort();
    const job = runCancellable(stop.signal, () =>
      writeShards({ data, seed: 1, tokenizer, out, texts: 2000, progress }),
    );
    await assert.rejects(job, { code: 'STOPPED' });
    assert.deepEqual(readdirSync(folder), []);
  });
});

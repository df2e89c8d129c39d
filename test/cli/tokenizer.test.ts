import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { register } from '../../src/cli/tokenizer.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';

/** Runs the command in this process; returns what it printed. */
async function run(...words: string[]): Promise<string> {
  const program = new Command('interplay').exitOverride().configureOutput({ writeErr: () => {} });
  register(program);
  const { write } = process.stdout;
  let printed = '';
  process.stdout.write = (chunk: string | Uint8Array) => {
    printed += chunk;
    return true;
  };
  try {
    await program.parseAsync(['tokenizer', ...words], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return printed;
}

describe('interplay tokenizer', () => {
  let folder = '';
  let data = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'cli-tokenizer-'));
    data = join(folder, 'data.txt');
    writeFileSync(data, 'the number of adult wolf\n'.repeat(20));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('trains into a folder, and measures what it trained', async () => {
    const out = join(folder, 'out');
    const made = JSON.parse(await run('train', '--data', data, '--vocab', '280', '--out', out, '--json'));
    assert.deepEqual(readdirSync(out).sort(), ['tokenizer.json', 'tokenizer_config.json']);
    const tokenizer = Tokenizer.load(join(out, 'tokenizer.json'));
    assert.equal(tokenizer.vocabularySize, 280);
    assert.equal(made.vocabulary, 280);
    assert.equal(made.texts, 20);
    assert.equal(made.fingerprint, tokenizer.fingerprint());

    const stats = JSON.parse(await run('stats', '--tokenizer', out, '--data', data, '--json'));
    assert.equal(stats.texts, 20);
    assert.equal(stats.tokens, 20 * tokenizer.encode('the number of adult wolf\n').length);
    assert.equal(stats.characters, 20 * 25);
    assert.match(await run('stats', '--tokenizer', join(out, 'tokenizer.json'), '--data', data), /280/);
  });

  it('has further special tokens where asked, as single tokens behind the usual ten', async () => {
    const out = join(folder, 'special');
    await run('train', '--data', data, '--vocab', '280', '--out', out, '--special', '<think>', '</think>');
    const tokenizer = Tokenizer.load(join(out, 'tokenizer.json'));
    assert.equal(tokenizer.vocabularySize, 280);
    const ids = tokenizer.encode('<think> wolf </think>');
    assert.deepEqual([ids[0], ids.at(-1)], [10, 11]);
    assert.ok(tokenizer.isSpecial(10) && tokenizer.isSpecial(11));
  });

  it('says when fewer pairs occur than the vocabulary asks for', async () => {
    const printed = await run('train', '--data', data, '--vocab', '4000', '--out', join(folder, 'short'));
    assert.match(printed, /of 4000 asked for/);
  });

  it('refuses what cannot be done, by code, and writes nothing', async () => {
    const out = join(folder, 'never');
    const broken = join(folder, 'broken.jsonl');
    writeFileSync(broken, '{"problem": "a", "quest');
    writeFileSync(join(folder, 'empty.jsonl'), '\n');
    const train = (file: string, vocab: string, ...more: string[]) =>
      run('train', '--data', file, '--vocab', vocab, '--out', out, ...more);
    await assert.rejects(train(data, '265'), { code: 'VOCABULARY_SIZE' });
    await assert.rejects(train(data, '267', '--special', 'a tag', 'b tag'), { code: 'VOCABULARY_SIZE' });
    for (const token of ['[EOS]', 'a', '']) {
      await assert.rejects(train(data, '300', '--special', token), { code: 'SPECIAL_TOKEN' });
    }
    await assert.rejects(train(data, '300', '--min-frequency', '0'), { code: 'MIN_FREQUENCY' });
    await assert.rejects(train(join(folder, 'absent.jsonl'), '300'), { code: 'INPUT_UNREADABLE' });
    await assert.rejects(train(broken, '300'), { code: 'JSONL_LINE' });
    await assert.rejects(train(join(folder, 'empty.jsonl'), '300'), { code: 'DATA_EMPTY' });
    await assert.rejects(train(data, '300', '--pattern', 'none'), { code: 'commander.invalidArgument' });
    await assert.rejects(train(data, '300', '--unknown'), { code: 'commander.unknownOption' });
    await assert.rejects(run('stats', '--tokenizer', broken, '--data', data), { code: 'TOKENIZER_FILE' });
    await assert.rejects(run('stats', '--tokenizer', folder, '--data', data), { code: 'INPUT_UNREADABLE' });
    assert.ok(!existsSync(out));
  });
});

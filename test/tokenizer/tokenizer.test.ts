import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as PeerTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import {
  PATTERNS,
  type PatternName,
  Tokenizer,
  tokenizerConfigJson,
  trainTokenizer,
} from '../../src/tokenizer/index.ts';
import { corpus } from './corpus.ts';

const texts = corpus(300);
const tokenizer = trainTokenizer(texts, { vocabularySize: 600 });

const peerOf = (ours: Tokenizer) =>
  new PeerTokenizer(JSON.parse(ours.toJson()), JSON.parse(tokenizerConfigJson(ours)));
const peerIds = (peer: PeerTokenizer, text: string) => peer.encode(text, { add_special_tokens: false }).ids;

/** Any string of code points; `binary` reaches every plane but no surrogates. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ' ',
          '  ',
          '\n',
          '\r\n',
          "'s",
          "don't",
          '12',
          'é',
          '北京',
          '😀',
          '\u0000',
          '\u200d',
          '\u0301',
        ),
        fc.constantFrom('<question>', '</answer>', '[EOS]', '<answer', ' equals', 'The number'),
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
);

describe('Tokenizer', () => {
  it('gives back every text, trained on or not', () => {
    for (const text of corpus(50, 1)) assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    fc.assert(
      fc.property(anyText, (text) => assert.equal(tokenizer.decode(tokenizer.encode(text)), text)),
      { numRuns: 500 },
    );
  });

  for (const name of Object.keys(PATTERNS) as PatternName[]) {
    it(`pattern ${name}: ids and text equal those of Hugging Face's JavaScript tokenizer`, () => {
      const ours = trainTokenizer(texts, { vocabularySize: 600, pattern: PATTERNS[name] });
      const peer = peerOf(ours);
      for (const text of corpus(40, 2)) assert.deepEqual(ours.encode(text), peerIds(peer, text));
      fc.assert(
        fc.property(anyText, (text) => {
          // These two are the peer's own departure from Hugging Face's Rust code, which the fixture of
          // train.test.ts follows: JavaScript's \s has U+FEFF and lacks U+0085.
          fc.pre(!/[\u0085\ufeff]/.test(text));
          const ids = ours.encode(text);
          assert.deepEqual(ids, peerIds(peer, text));
          if (ids.length > 0)
            assert.equal(ours.decode(ids), peer.decode(ids, { skip_special_tokens: false }));
        }),
        { numRuns: 300 },
      );
    });
  }

  it('cuts numbers into digits and leaves the space before them alone', () => {
    const tokens = tokenizer.encode('equals 2047.').map((id) => tokenizer.tokenOf(id));
    assert.deepEqual(tokens.slice(-6), ['Ġ', '2', '0', '4', '7', '.']);
  });

  it('recognises special tokens anywhere in text, and only whole ones', () => {
    const ids = tokenizer.encode('[BOS]<question><answer</question>');
    assert.deepEqual([ids[0], ids[1], ids.at(-1)], [2, 4, 5]);
    assert.ok(!ids.includes(8), 'half a tag is text');
    assert.equal(
      tokenizer.decode(tokenizer.encode('[BOS]a </answer>b[EOS]'), { skipSpecialTokens: true }),
      'a b',
    );
    assert.equal(tokenizer.isSpecial(9), true);
    assert.equal(tokenizer.isSpecial(10), false);
  });

  it('reads a lone surrogate as U+FFFD', () => {
    for (const text of ['\ud800', 'a\udc00b', '\ud83d\ud83d\ude00', ' \udfff ']) {
      const wellFormed = text.replace(/\p{Surrogate}/gu, '\ufffd');
      assert.notEqual(text, wellFormed);
      assert.deepEqual(tokenizer.encode(text), tokenizer.encode(wellFormed));
      assert.equal(tokenizer.decode(tokenizer.encode(text)), wellFormed);
    }
  });

  it('decodes cut byte sequences with U+FFFD and puts them together when complete', () => {
    const ids = [...Buffer.from('€')].map(
      (byte) => tokenizer.idOf(byte === 0xe2 ? 'â' : byte === 0x82 ? 'Ĥ' : '¬')!,
    );
    assert.equal(tokenizer.decode(ids), '€');
    assert.equal(tokenizer.decode(ids.slice(0, 2)), '\ufffd');
    assert.equal(tokenizer.decode([ids[1]!, ...ids]), '\ufffd€');
    assert.deepEqual([...tokenizer.bytesOf(ids[0]!)], [0xe2]);
  });

  it('knows its tokens and refuses ids that are none', () => {
    for (let id = 0; id < tokenizer.vocabularySize; id++)
      assert.equal(tokenizer.idOf(tokenizer.tokenOf(id)), id);
    assert.equal(tokenizer.idOf('no such token'), undefined);
    for (const id of [-1, 600, 1.5, Number.NaN]) {
      assert.throws(() => tokenizer.decode([id]), { code: 'TOKEN_ID' });
      assert.throws(() => tokenizer.tokenOf(id), { code: 'TOKEN_ID' });
      assert.throws(() => tokenizer.bytesOf(id), { code: 'TOKEN_ID' });
    }
  });

  it('encodes a long text without spaces in little time: 200,000 letters take under 5 s', () => {
    // A quadratic merge of one word of that length takes minutes; this takes well under a second.
    const ids = tokenizer.encode('ab'.repeat(100_000));
    assert.equal(tokenizer.decode(ids).length, 200_000);
  }).timeout(5000);

  it('gives the same ids when its cache has been flushed many times over', () => {
    const before = tokenizer.encode(texts[0]!);
    let words = '';
    for (let i = 0; i < 140_000; i++)
      words += ` ${(i + 26 ** 4).toString(26).replace(/\d/g, (d) => 'qrstuvwxyz'[Number(d)]!)}`;
    assert.equal(tokenizer.decode(tokenizer.encode(words)), words);
    assert.deepEqual(tokenizer.encode(texts[0]!), before);
  });

  it('saves and loads the same tokenizer, byte for byte, with nothing left beside it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
    try {
      const path = join(folder, 'tokenizer.json');
      tokenizer.save(path);
      const loaded = Tokenizer.load(path);
      assert.equal(loaded.toJson(), tokenizer.toJson());
      assert.equal(loaded.fingerprint(), tokenizer.fingerprint());
      assert.deepEqual(loaded.encode(texts[1]!), tokenizer.encode(texts[1]!));
      assert.deepEqual(readdirSync(folder), ['tokenizer.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

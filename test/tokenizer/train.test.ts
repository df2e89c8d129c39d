import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { randomFamily } from '../../src/core/random.ts';
import { PATTERNS, type PatternName, trainTokenizer } from '../../src/tokenizer/index.ts';
import { corpus } from './corpus.ts';

interface Fixture {
  texts: string[];
  probes: string[];
  runs: {
    pattern: PatternName;
    vocabulary_size: number;
    min_frequency: number;
    tokens: string[];
    merges: string[];
    ids: number[][];
  }[];
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/tokenizer/parity.json', import.meta.url), 'utf8'),
) as Fixture;

/** Byte-pair training as the paper of Sennrich et al. writes it: recount everything before every merge. */
function naiveMerges(words: readonly string[], limit: number, minFrequency: number): string[] {
  const rank = new Map<string, number>(); // order in which tokens came into being
  const order = (token: string) => rank.get(token) ?? token.codePointAt(0)! - 1_000_000;
  let split = words.map((word) => [...word]);
  const merges: string[] = [];
  while (merges.length < limit) {
    const counts = new Map<string, { pair: [string, string]; count: number }>();
    for (const symbols of split) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const pair: [string, string] = [symbols[i]!, symbols[i + 1]!];
        const entry = counts.get(pair.join(' ')) ?? { pair, count: 0 };
        entry.count++;
        counts.set(pair.join(' '), entry);
      }
    }
    const [best] = [...counts.values()].sort(
      (a, b) =>
        b.count - a.count || order(a.pair[0]) - order(b.pair[0]) || order(a.pair[1]) - order(b.pair[1]),
    );
    if (best === undefined || best.count < minFrequency) break;
    const [left, right] = best.pair;
    merges.push(`${left} ${right}`);
    if (!rank.has(left + right)) rank.set(left + right, rank.size);
    split = split.map((symbols) => {
      const merged: string[] = [];
      for (let i = 0; i < symbols.length; i++) {
        if (symbols[i] === left && symbols[i + 1] === right) {
          merged.push(left + right);
          i++;
        } else merged.push(symbols[i]!);
      }
      return merged;
    });
  }
  return merges;
}

const mergesOf = (tokenizer: ReturnType<typeof trainTokenizer>) =>
  tokenizer.parts.merges.map(([left, right]) => `${tokenizer.tokenOf(left)} ${tokenizer.tokenOf(right)}`);

describe('trainTokenizer', () => {
  for (const run of fixture.runs) {
    const { pattern, vocabulary_size: vocabularySize, min_frequency: minFrequency } = run;
    it(`${pattern}, ${vocabularySize}: merges, ids and encodings are those of Hugging Face's trainer`, () => {
      const tokenizer = trainTokenizer(fixture.texts, {
        vocabularySize,
        minFrequency,
        pattern: PATTERNS[pattern],
      });
      assert.deepEqual(mergesOf(tokenizer), run.merges);
      assert.deepEqual(tokenizer.parts.tokens, run.tokens);
      // The peer's special tokens are added ones too, so texts that contain them are encoded alike.
      assert.deepEqual(
        fixture.probes.map((text) => tokenizer.encode(text)),
        run.ids,
      );
    });
  }

  it('equals the textbook algorithm on words of few letters, which are full of ties and overlaps', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 12 }), {
          maxLength: 12,
        }),
        fc.integer({ min: 1, max: 3 }),
        (words, minFrequency) => {
          const tokenizer = trainTokenizer(words, { vocabularySize: 290, minFrequency });
          assert.deepEqual(mergesOf(tokenizer), naiveMerges(words, 24, minFrequency));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('has the special tokens as ids 0-9, then the 256 bytes, then the merges', () => {
    const tokenizer = trainTokenizer(['aab aab'], { vocabularySize: 300 });
    assert.deepEqual(tokenizer.parts.tokens.slice(0, 10), [
      '[UNK]',
      '[PAD]',
      '[BOS]',
      '[EOS]',
      '<question>',
      '</question>',
      '<solution>',
      '</solution>',
      '<answer>',
      '</answer>',
    ]);
    assert.equal(tokenizer.tokenOf(10), '!');
    assert.equal(new Set(tokenizer.parts.tokens.slice(10, 266)).size, 256);
    // "aab" and "Ġaab": a a twice, a b twice, Ġ a once; (a, a) and (a, b) tie, the smaller id goes first.
    assert.deepEqual(tokenizer.parts.tokens.slice(266), ['aa', 'aab']);
  });

  it('does not depend on the order of the texts', () => {
    const texts = corpus(200);
    const expected = trainTokenizer(texts, { vocabularySize: 500 }).toJson();
    for (let index = 0; index < 3; index++) {
      const shuffled = randomFamily('shuffle').at(index).shuffle(texts.slice());
      assert.equal(trainTokenizer(shuffled, { vocabularySize: 500 }).toJson(), expected);
    }
  });

  it('never merges across a special token or inside one', () => {
    const tokenizer = trainTokenizer(Array(50).fill('x<answer>y</answer>'), { vocabularySize: 400 });
    assert.equal(tokenizer.vocabularySize, 266);
  });

  it('stops at the vocabulary size, and earlier when pairs become rare', () => {
    const texts = corpus(100);
    assert.equal(trainTokenizer(texts, { vocabularySize: 333 }).vocabularySize, 333);
    assert.equal(trainTokenizer(texts, { vocabularySize: 266 }).parts.merges.length, 0);
    assert.equal(trainTokenizer([], { vocabularySize: 400 }).vocabularySize, 266);
    const all = trainTokenizer(['ab ab abc'], { vocabularySize: 400, minFrequency: 1 });
    assert.ok(all.idOf('Ġabc') !== undefined);
    assert.equal(trainTokenizer(['ab ab abc'], { vocabularySize: 400 }).idOf('Ġabc'), undefined);
  });

  it('learns a token named __proto__ like any other', () => {
    const tokenizer = trainTokenizer(Array(9).fill('__proto__'), {
      vocabularySize: 400,
      pattern: '[a-z_]+',
    });
    const id = tokenizer.idOf('__proto__');
    assert.ok(id !== undefined && id >= 266);
    assert.deepEqual(tokenizer.encode('__proto__'), [id]);
    assert.match(tokenizer.toJson(), /"__proto__": \d+/);
  });

  it('refuses impossible settings by code', () => {
    for (const vocabularySize of [265, 0, -1, 300.5, Number.NaN, 2 ** 25]) {
      assert.throws(() => trainTokenizer([], { vocabularySize }), { code: 'VOCABULARY_SIZE' });
    }
    assert.throws(() => trainTokenizer([], { vocabularySize: 300, minFrequency: 0 }), {
      code: 'MIN_FREQUENCY',
    });
    assert.throws(() => trainTokenizer([], { vocabularySize: 300, pattern: '(' }), { code: 'PATTERN' });
  });
});

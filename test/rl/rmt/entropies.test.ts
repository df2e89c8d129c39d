import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../../src/backend/index.ts';
import { disposeQwen2, forward, type Qwen2 } from '../../../src/model/qwen2.ts';
import {
  accuracyRows,
  entropyHistogram,
  nextTokenAccuracy,
  type PredictedToken,
  tokenEntropies,
} from '../../../src/rl/rmt/index.ts';
import { pack, toTensors } from '../../../src/train/index.ts';
import { tinyModel, tinySequences } from '../../train/tiny.ts';

/** −Σ p log p behind each prefix of a text, in float64 from the logits of that text alone. */
function byHand(model: Qwen2, ids: readonly number[]): number[] {
  const logits = tf.tidy(() => {
    const { targets: _, ...inputs } = toTensors(pack([[...ids]]));
    return forward(model, inputs).arraySync() as number[][];
  });
  return logits.map((row) => {
    const most = Math.max(...row);
    const sum = row.reduce((total, value) => total + Math.exp(value - most), 0);
    return -row.reduce((total, value) => {
      const p = Math.exp(value - most) / sum;
      return total + p * Math.log(p);
    }, 0);
  });
}

describe('entropies of tokens', () => {
  let model: Qwen2;
  const texts = tinySequences(12);
  before(async () => {
    await useBackend('auto');
    model = tinyModel(5);
  });
  after(() => disposeQwen2(model));

  it('are those of the distribution behind each prefix', () => {
    const tensors = tf.memory().numTensors;
    const found = tokenEntropies(model, texts, { mostRows: 20 });
    assert.equal(tf.memory().numTensors, tensors);
    const expected = texts.flatMap((ids, text) =>
      byHand(model, ids).map((entropy, row) => ({ text, at: row + 1, entropy })),
    );
    assert.equal(found.length, expected.length);
    found.forEach((token, i) => {
      const { text, at, entropy } = expected[i]!;
      assert.deepEqual([token.text, token.at], [text, at]);
      assert.ok(Math.abs(token.entropy - entropy) < 1e-4, `${token.entropy} and ${entropy}`); // float32
      assert.equal(token.bucket, undefined);
    });
  });

  it('leave out what does not count, and have the bucket of their entropy', () => {
    const all = tokenEntropies(model, texts);
    const sorted = all.map(({ entropy }) => entropy).sort((a, b) => a - b);
    const [medium, hard, most] = [sorted[Math.floor(sorted.length / 2)]!, sorted.at(-5)!, sorted.at(-3)!];
    const except = new Set([texts[0]![2]!]);
    const among = (ids: readonly number[]) =>
      Float32Array.from(ids.slice(1), (_, row) => (row === 0 ? 0 : 1));
    const found = tokenEntropies(model, texts, {
      except,
      among,
      edges: { least: sorted[3]!, medium, hard, most },
    });
    const kept = all.filter(({ text, at }) => at > 1 && !except.has(texts[text]![at]!));
    assert.ok(kept.length < all.length, 'some are left out');
    assert.deepEqual(
      found.map(({ bucket: _, ...token }) => token),
      kept,
    );
    for (const { entropy, bucket } of found) {
      assert.equal(
        bucket,
        entropy > most ? undefined : entropy >= hard ? 'hard' : entropy >= medium ? 'medium' : 'easy',
      );
    }
  });

  it('as a histogram: shares of bins up to ln V with intervals over texts', () => {
    const tokens = tokenEntropies(model, texts);
    const rows = entropyHistogram(model, texts, { bins: 9, seed: 1 });
    assert.deepEqual(entropyHistogram(model, texts, { bins: 9, seed: 1 }), rows);
    const top = Math.log(29);
    rows.forEach(({ bin_low, bin_high, share, low, high, samples }, bin) => {
      assert.ok(
        Math.abs(bin_low - (top * bin) / 9) + Math.abs(bin_high - (top * (bin + 1)) / 9) < 1e-12,
        'bin',
      );
      const inside = tokens.filter(({ entropy }) => entropy >= bin_low && entropy < bin_high).length;
      assert.equal(samples, inside);
      assert.ok(Math.abs(share - inside / tokens.length) < 1e-12, `${share}`);
      assert.ok(low <= share && share <= high, `${low} ${share} ${high}`);
    });
    assert.equal(
      rows.reduce((sum, { samples }) => sum + samples, 0),
      tokens.length,
    );
    const cut = entropyHistogram(model, texts, { bins: 4, to: top / 100 });
    assert.equal(
      cut.reduce((sum, { samples }) => sum + samples, 0),
      tokens.length,
    );
    assert.ok(cut.at(-1)!.samples > 0, 'what lies beyond is in the last bin');
  });
});

describe('accuracy by difficulty', () => {
  const token = (text: number, bucket: 'easy' | 'hard', right: string, entropy: number): PredictedToken => ({
    text,
    at: 1,
    bucket,
    plain_correct: right.includes('p'),
    thinking_correct: right.includes('t'),
    entropy,
    thought_length: 3,
    closed: true,
    response: '',
    target: '',
  });
  const tokens = [
    token(0, 'easy', 'pt', 0.25),
    token(0, 'easy', 'p', 0.75),
    token(1, 'easy', 't', 0.5),
    token(1, 'hard', '', 2),
    token(2, 'hard', 't', 4),
  ];

  it('has means, entropies and intervals of each bucket', () => {
    const found = nextTokenAccuracy(tokens, 0);
    assert.deepEqual(Object.keys(found.by_bucket), ['easy', 'hard']);
    const { easy, hard } = found.by_bucket;
    assert.deepEqual([easy!.entropy, hard!.entropy, found.entropy], [0.5, 3, 1.5]);
    assert.deepEqual([easy!.plain.value, easy!.thinking.value, hard!.thinking.value], [2 / 3, 2 / 3, 0.5]);
    for (const { low, value, high } of [easy!.plain, hard!.plain, hard!.thinking]) {
      assert.ok(low <= value && value <= high && low < high, `${low} ${value} ${high}`);
    }
  });

  it('is rows for a figure, all tokens last', () => {
    const rows = accuracyRows(nextTokenAccuracy(tokens, 0));
    assert.deepEqual(
      rows.map(({ difficulty, prediction, value, n }) => [difficulty, prediction, value, n]),
      [
        ['easy', 'plain', 2 / 3, 3],
        ['easy', 'thinking', 2 / 3, 3],
        ['hard', 'plain', 0, 2],
        ['hard', 'thinking', 0.5, 2],
        ['all', 'plain', 0.4, 5],
        ['all', 'thinking', 0.6, 5],
      ],
    );
  });
});

/**
 * How uncertain a model is about the next token of held-out texts (teacher forcing, nats): token by token, and as a
 * histogram with intervals. Models with one tokenizer have the same bins and can be laid over one another.
 */
import { randomFamily } from '../../core/random.ts';
import { bootstrapMeans } from '../../evaluate/index.ts';
import type { Qwen2 } from '../../model/qwen2.ts';
import { type LossWeights, pack } from '../../train/index.ts';
import { type Bucket, bucketOf, type Edges, nextTokens } from './difficulty.ts';
import { textsOf } from './positions.ts';
import { candidatesOf } from './prompts.ts';

export interface TokenEntropyOptions {
  /** Tokens that count, such as `lossWeights('solution', tokenizer)`; default all. */
  among?: LossWeights | undefined;
  /** Ids that do not count, such as those of tags. */
  except?: ReadonlySet<number>;
  /** Edges of the buckets, of the model that difficulty is measured by; without them there are no buckets. */
  edges?: Edges;
  /** Most rows computed at once; default 4,096. */
  mostRows?: number;
}

/** A token of a text and the entropy, nats, of what the model expects in its place. */
export interface TokenEntropy {
  /** Index of its text, and of the token in it. */
  text: number;
  at: number;
  entropy: number;
  /** Where edges were given: the bucket of this entropy; below the least edge it is easy, above the most it has none. */
  bucket?: Bucket;
}

/** Entropies of all tokens of texts but the first of each; texts are cut at the model's positions. */
export function tokenEntropies(
  model: Qwen2,
  texts: readonly (readonly number[])[],
  options: TokenEntropyOptions = {},
): TokenEntropy[] {
  const { among, except = new Set(), edges, mostRows = 4096 } = options;
  const batch = pack(texts.map((ids) => ids.slice(0, model.config.max_position_embeddings + 1)));
  const { entropies } = nextTokens(model, batch, mostRows);
  const found = textsOf(batch);
  const candidates = candidatesOf(found, { among, except, longestPrefix: Number.POSITIVE_INFINITY });
  let text = 0;
  return candidates.map(({ row }) => {
    while (row >= (found[text + 1]?.firstRow ?? Number.POSITIVE_INFINITY)) text++;
    const entropy = entropies[row]!;
    const bucket = edges && bucketOf(entropy, { ...edges, least: 0 });
    return { text, at: row - found[text]!.firstRow + 1, entropy, ...(bucket && { bucket }) };
  });
}

export interface EntropyHistogramOptions extends TokenEntropyOptions {
  /** Default 30. */
  bins?: number;
  /** Right end of the last bin, nats; what lies beyond counts in that bin. Default ln V, which no entropy exceeds. */
  to?: number;
  /** Of the bootstrap; default 0. */
  seed?: number;
}

/** A bin from `bin_low` to `bin_high`, nats: the share of tokens in it with its 95 % interval, and their number. */
export interface EntropyBin {
  bin_low: number;
  bin_high: number;
  share: number;
  low: number;
  high: number;
  samples: number;
}

/** Shares of tokens by entropy, with intervals by bootstrap over texts; rows for the figure `histograms`. */
export function entropyHistogram(
  model: Qwen2,
  texts: readonly (readonly number[])[],
  options: EntropyHistogramOptions = {},
): EntropyBin[] {
  const { bins = 30, to = Math.log(model.config.vocab_size), seed = 0 } = options;
  const tokens = tokenEntropies(model, texts, options);
  const columns = Array.from({ length: bins }, () => new Uint8Array(tokens.length));
  tokens.forEach(({ entropy }, i) => {
    columns[Math.max(0, Math.min(bins - 1, Math.floor((entropy / to) * bins)))]![i] = 1;
  });
  const estimates = bootstrapMeans(columns, {
    streams: randomFamily('entropy bootstrap', seed),
    clusters: tokens.map(({ text }) => text),
  });
  return estimates.map(({ value, low, high }, bin) => ({
    bin_low: (to * bin) / bins,
    bin_high: (to * (bin + 1)) / bins,
    share: value,
    low,
    high,
    samples: columns[bin]!.reduce((sum, one) => sum + one, 0),
  }));
}

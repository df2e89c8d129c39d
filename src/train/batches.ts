/**
 * Batches of a series of sequences, by how texts are laid into them:
 *
 * - `texts` (default): as many whole texts as fit into a step, one after another, none padded;
 * - `first-fit`: rows of a fixed length, filled with whole texts by first-fit-decreasing inside windows of 1000 texts;
 *   each text is attended to by itself alone;
 * - `paper`: the same rows as the paper's release trains on (PAPER §4.1): attention crosses the texts of a row,
 *   positions go on, and the step from one text to the next is learned, too.
 *
 * `texts` is the default because a text's gradient is then what it is alone, and no room is lost. The release pads rows
 * at their end; padding bears no loss and nothing attends to it, so it is not computed here, and not counted.
 */
import { userError } from '../core/errors.ts';
import { randomFamily } from '../core/random.ts';
import type { SequenceSource } from './data.ts';
import type { Packing } from './dataConfig.ts';
import type { LossWeights } from './objective.ts';
import { checkLength, nextSequences, type PackedBatch, pack } from './packing.ts';

export interface BatchOptions {
  packing: Packing;
  /** Most tokens of a step. */
  batchTokens: number;
  /** Tokens of a row; without meaning for packing `texts`. */
  rowTokens: number;
  /** Most positions that the model knows. */
  positions: number;
  /** Names the order of rows. */
  seed: number;
  /** Which tokens bear the loss; all when absent. */
  weigh?: LossWeights | undefined;
}

/** Batches by cursor: 0 is the first batch, and each names the cursor of the next. */
export interface Batches {
  /** @throws SEQUENCE_TOO_LONG */
  at(cursor: number): { batch: PackedBatch; next: number };
}

/** Texts that are packed together; what a map batch is in the release's data loader. */
const WINDOW = 1000;

/** @throws ROW_TOKENS */
export function createBatches(source: SequenceSource, options: BatchOptions): Batches {
  const { packing, batchTokens, rowTokens, positions, weigh } = options;
  if (packing === 'texts') {
    return {
      at(cursor) {
        const { sequences, next } = nextSequences(source, cursor, batchTokens, positions);
        return { batch: pack(sequences, weigh), next };
      },
    };
  }
  if (rowTokens < 2 || rowTokens > batchTokens || (packing === 'paper' && rowTokens - 1 > positions)) {
    throw userError(
      'ROW_TOKENS',
      `row_tokens within 2-${Math.min(batchTokens, packing === 'paper' ? positions + 1 : batchTokens)}`,
      String(rowTokens),
      'lower it, or raise batch_tokens or the positions of the model',
    );
  }
  const rowsOf = packedRows(source, options);
  const rowsPerBatch = Math.floor(batchTokens / rowTokens);
  return {
    // Row r of window w has cursor 1000·w + r: a window has at most as many rows as texts.
    at(cursor) {
      const sequences: number[][] = [];
      let next = cursor;
      for (let row = 0; row < rowsPerBatch; row++) {
        const window = Math.floor(next / WINDOW);
        const rows = rowsOf(window);
        const texts = rows[next % WINDOW]!;
        if (packing === 'paper') sequences.push(texts.flat());
        else sequences.push(...texts);
        next = (next % WINDOW) + 1 < rows.length ? next + 1 : (window + 1) * WINDOW;
      }
      return { batch: pack(sequences, weigh), next };
    },
  };
}

/** Rows of a window, each a list of texts; the last window is kept. */
function packedRows(source: SequenceSource, options: BatchOptions): (window: number) => number[][][] {
  const { rowTokens, positions, seed } = options;
  const family = randomFamily('packed rows', seed);
  let known = -1;
  let rows: number[][][] = [];
  return (window) => {
    if (window === known) return rows;
    const texts = Array.from({ length: WINDOW }, (_, i) => source.at(window * WINDOW + i));
    texts.forEach((ids, i) => {
      checkLength(ids.length - 1, window * WINDOW + i, rowTokens - 1, positions, 'row_tokens');
    });
    const bins = firstFitDecreasing(
      texts.map((ids) => ids.length),
      rowTokens,
    );
    // The first bins hold the longest texts; the release's trainer shuffles them, too.
    family.at(window).shuffle(bins);
    rows = bins.map((bin) => bin.map((i) => texts[i]!));
    known = window;
    return rows;
  };
}

/**
 * Bins of at most `capacity`, as lists of item indices: items by falling size (equal ones in order), each into the
 * first bin that has room (Johnson 1973).
 */
export function firstFitDecreasing(sizes: readonly number[], capacity: number): number[][] {
  const order = sizes.map((_, i) => i).sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const bins: number[][] = [];
  const room: number[] = [];
  for (const item of order) {
    const size = sizes[item]!;
    let bin = room.findIndex((left) => left >= size);
    if (bin < 0) {
      bin = bins.length;
      bins.push([]);
      room.push(capacity);
    }
    bins[bin]!.push(item);
    room[bin]! -= size;
  }
  return bins;
}

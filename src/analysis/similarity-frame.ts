/** Topology similarity of an evaluation's right responses to training graphs, as tables (paper, Figure 5). */
import { type ColumnTable, from } from 'arquero';
import { randomFamily } from '../core/random.ts';
import {
  bootstrapMeans,
  DEFAULT_RANGES,
  isRight,
  type OpRanges,
  type SampleRow,
  type Verifier,
} from '../evaluate/index.ts';
import { parseSolution } from '../verify/index.ts';
import type { TopologyIndex } from './similarity.ts';
import { responseTopology } from './topology.ts';

export interface SimilarityOptions {
  /** Of the bootstrap over problems, clustered by graph. */
  seed: number;
  ranges?: OpRanges;
  /** Who says which responses are right; default `verified`. */
  verifier?: Verifier;
  /** Bins of the histogram over [0, 1]; default 20. */
  bins?: number;
}

/** A judged sample with its text, as `samples.jsonl` holds it. */
export type ResponseSample = SampleRow & { response: string };

export interface SimilarityTables {
  /**
   * One row per range: problems that have right responses (`n`), those responses (`samples`), their mean similarity to the
   * most similar training graph with its interval over problems, and the share that are isomorphic to a training graph.
   */
  summary: ColumnTable;
  /** One row per range and bin [bin_low, bin_high), the last closed: right responses in it and their share. */
  histogram: ColumnTable;
}

/** Similarity of right responses to the index's training graphs. Ranges without right responses have NaN. */
export function similarityTables(
  rows: readonly ResponseSample[],
  index: TopologyIndex,
  { seed, ranges = DEFAULT_RANGES, verifier = 'verified', bins = 20 }: SimilarityOptions,
): SimilarityTables {
  const summary: object[] = [];
  const histogram: object[] = [];
  for (const [range, [low, high]] of Object.entries(ranges)) {
    const counts = new Array<number>(bins).fill(0);
    const problems = new Map<
      string,
      { similarity: number; isomorphic: number; samples: number; cluster: string }
    >();
    for (const row of rows) {
      if (row.op < low || row.op > high || !isRight(row, verifier)) continue;
      const topology = responseTopology(parseSolution(row.response));
      if (topology === null) continue;
      const { similarity, isomorphic } = index.similarity(topology);
      counts[Math.min(bins - 1, Math.floor(similarity * bins))]!++;
      const cluster = row.fingerprint ?? row.task_id;
      const sums = problems.get(row.task_id) ?? { similarity: 0, isomorphic: 0, samples: 0, cluster };
      problems.set(row.task_id, sums);
      sums.similarity += similarity;
      sums.isomorphic += isomorphic ? 1 : 0;
      sums.samples++;
    }
    const ids = [...problems.keys()].sort();
    const column = (field: 'similarity' | 'isomorphic'): number[] =>
      ids.map((id) => problems.get(id)![field] / problems.get(id)!.samples);
    const [mean, isomorphs] = bootstrapMeans([column('similarity'), column('isomorphic')], {
      streams: randomFamily('bootstrap-similarity', seed, range),
      clusters: ids.map((id) => problems.get(id)!.cluster),
    });
    const samples = counts.reduce((a, b) => a + b, 0);
    const { value, low: lower, high: upper, n } = mean!;
    summary.push({
      range,
      n,
      samples,
      similarity: value,
      low: lower,
      high: upper,
      isomorphic: isomorphs!.value,
    });
    for (const [bin, count] of counts.entries()) {
      const share = samples === 0 ? Number.NaN : count / samples;
      histogram.push({ range, bin_low: bin / bins, bin_high: (bin + 1) / bins, samples: count, share });
    }
  }
  return { summary: from(summary), histogram: from(histogram) };
}

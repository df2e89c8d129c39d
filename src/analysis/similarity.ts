/**
 * How alike the topologies of solutions are: cosine similarity of Weisfeiler–Lehman subtree histograms (Shervashidze et
 * al. 2011) with h = 3 rounds. The paper shows such a number (Figure 5) without defining it; this definition is ours
 * (DESIGN §7) and is named with every table and figure.
 *
 * A node's label in round 0 is its role; in each further round it is its label, its parents' labels and its children's
 * labels of the round before. Labels are numbered by exact comparison, so there are no hash collisions.
 */
import { userError } from '../core/errors.ts';
import { isIsomorphic } from './isomorphism.ts';
import type { Topology } from './topology.ts';

/** Rounds of refinement. */
export const WL_ROUNDS = 3;

/** The most similar training topology. */
export interface Similarity {
  /** Cosine, in [0, 1]. */
  similarity: number;
  /** Some training topology is the same graph. */
  isomorphic: boolean;
  /** Position of the first training topology of that similarity. */
  nearest: number;
}

/** A sparse histogram: label numbers in ascending order, and how often each occurs. */
interface Histogram {
  labels: Int32Array;
  counts: Int32Array;
  norm: number;
  /** Labels of the nodes after the last round. */
  colours: number[];
}

/** Training topologies with one and the same histogram. */
interface Class {
  /** Number of the class. */
  number: number;
  /** One of each isomorphism type in it; nearly always there is one. */
  types: { topology: Topology; colours: number[] }[];
}

/** Training topologies, indexed by their labels. Build once, then ask for any number of topologies. */
export class TopologyIndex {
  /** Training topologies added. */
  readonly size: number;
  /** Label number by its content; labels that no training topology has are not in it. */
  private readonly numbers = new Map<string, number>();
  /** By label: the classes that have it, and how often divided by their norm. */
  private readonly postings: { classes: Int32Array; weights: Float64Array }[];
  /** First position of each class. */
  private readonly first: number[] = [];
  private readonly classes = new Map<string, Class>();
  private readonly scores: Float64Array;
  private readonly answers = new Map<string, Similarity>();

  /** @throws userError SIMILARITY_TRAINING when there is no topology */
  constructor(training: Iterable<Topology>) {
    const lists: { classes: number[]; weights: number[] }[] = [];
    let size = 0;
    for (const topology of training) {
      const histogram = this.histogram(topology, true);
      const key = keyOf(histogram);
      const { colours } = histogram;
      const known = this.classes.get(key);
      if (known !== undefined) {
        if (!hasType(known, topology, colours)) known.types.push({ topology, colours });
      } else {
        const number = this.first.length;
        this.classes.set(key, { number, types: [{ topology, colours }] });
        this.first.push(size);
        for (const [i, label] of histogram.labels.entries()) {
          lists[label] ??= { classes: [], weights: [] };
          lists[label].classes.push(number);
          lists[label].weights.push(histogram.counts[i]! / histogram.norm);
        }
      }
      size++;
    }
    if (size === 0) {
      throw userError('SIMILARITY_TRAINING', 'at least one training task', 'none', 'name a file with tasks');
    }
    this.size = size;
    this.postings = lists.map(({ classes, weights }) => ({
      classes: Int32Array.from(classes),
      weights: Float64Array.from(weights),
    }));
    this.scores = new Float64Array(this.first.length);
  }

  /** Different histograms among the training ones. */
  get different(): number {
    return this.first.length;
  }

  /** The greatest similarity to any training topology. */
  similarity(topology: Topology): Similarity {
    const histogram = this.histogram(topology, false);
    const key = keyOf(histogram);
    const same = this.classes.get(key);
    if (same !== undefined) {
      const isomorphic = hasType(same, topology, histogram.colours);
      return { similarity: 1, isomorphic, nearest: this.first[same.number]! };
    }
    const known = this.answers.get(key);
    if (known !== undefined) return known;
    const answer = this.search(histogram);
    this.answers.set(key, answer);
    return answer;
  }

  private search({ labels, counts, norm }: Histogram): Similarity {
    const { scores, postings } = this;
    scores.fill(0);
    for (const [i, label] of labels.entries()) {
      const posting = postings[label];
      if (posting === undefined) continue;
      const { classes, weights } = posting;
      const count = counts[i]!;
      for (let at = 0; at < classes.length; at++) scores[classes[at]!]! += count * weights[at]!;
    }
    let best = 0;
    for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
    return {
      similarity: norm === 0 ? 0 : Math.min(1, scores[best]! / norm),
      isomorphic: false,
      nearest: this.first[best]!,
    };
  }

  /** Labels that training does not have get numbers beyond those that it has, for this histogram only. */
  private histogram({ roles, parents }: Topology, learn: boolean): Histogram {
    const children: number[][] = roles.map(() => []);
    for (const [i, list] of parents.entries()) for (const parent of list) children[parent]!.push(i);
    const foreign = new Map<string, number>();
    const numberOf = (content: string): number => {
      const known = this.numbers.get(content) ?? foreign.get(content);
      if (known !== undefined) return known;
      const number = this.numbers.size + foreign.size;
      (learn ? this.numbers : foreign).set(content, number);
      return number;
    };
    const counts = new Map<number, number>();
    let labels = roles.map((role) => numberOf(role));
    for (let round = 0; ; round++) {
      for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
      if (round === WL_ROUNDS) break;
      const last = labels;
      const sorted = (nodes: readonly number[]): string =>
        nodes
          .map((node) => last[node]!)
          .sort((a, b) => a - b)
          .join();
      labels = last.map((label, i) =>
        numberOf(`${round}:${label}<${sorted(parents[i]!)}>${sorted(children[i]!)}`),
      );
    }
    const entries = [...counts].sort(([a], [b]) => a - b);
    return {
      labels: Int32Array.from(entries, ([label]) => label),
      counts: Int32Array.from(entries, ([, count]) => count),
      norm: Math.sqrt(entries.reduce((sum, [, count]) => sum + count * count, 0)),
      colours: labels,
    };
  }
}

function hasType({ types }: Class, topology: Topology, colours: number[]): boolean {
  return types.some((type) => isIsomorphic(topology, type.topology, { a: colours, b: type.colours }));
}

function keyOf({ labels, counts }: Histogram): string {
  let key = '';
  for (let i = 0; i < labels.length; i++) key += `${labels[i]}:${counts[i]} `;
  return key;
}

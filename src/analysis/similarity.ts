/**
 * How alike the topologies of solutions are: cosine similarity of Weisfeiler–Lehman subtree histograms (Shervashidze et
 * al. 2011) with h = 3 rounds. The paper shows such a number (Figure 5) without defining it; this definition is ours
 * (DESIGN §7) and is named with every table and figure.
 *
 * A node's label in round 0 is its role; in each further round it is its label, its parents' labels and its children's
 * labels of the round before. Labels are numbered by exact comparison, so there are no hash collisions.
 * Solutions have one goal, a node that others do not use, so histograms of different solutions are never multiples of one
 * another: similarity 1 means equal histograms.
 */
import { userError } from '../core/errors.ts';
import { isIsomorphic } from './isomorphism.ts';
import { SequenceNumbers } from './sequences.ts';
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
  labels: readonly number[];
  counts: readonly number[];
  norm: number;
  /** Labels of the nodes after the last round. */
  colours: readonly number[];
  /** Equal for equal histograms only. */
  key: number;
}

/** What no label is: begins a further round's sequence, begins the children in it, begins a histogram. */
const OWN = -1;
const CHILDREN = -2;
const HISTOGRAM = -3;

/** Training topologies with one and the same histogram. */
interface Class {
  /** Number of the class. */
  number: number;
  /** One of each isomorphism type in it; nearly always there is one. */
  types: { topology: Topology; colours: readonly number[] }[];
}

/** Training topologies, indexed by their labels. Build once, then ask for any number of topologies. */
export class TopologyIndex {
  /** Training topologies added. */
  readonly size: number;
  private readonly roles = new Map<string, number>();
  /** Labels by their content: a role, or a node's label and its neighbours' of the round before. */
  private readonly sequences = new SequenceNumbers();
  /** By label: the classes that have it, and how often divided by their norm. */
  private readonly postings: { classes: Int32Array; weights: Float64Array }[];
  /** First position of each class. */
  private readonly first: number[] = [];
  private readonly classes = new Map<number, Class>();
  private readonly scores: Float64Array;
  private readonly answers = new Map<number, Similarity>();

  /** @throws userError SIMILARITY_TRAINING when there is no topology */
  constructor(training: Iterable<Topology>) {
    const lists: { classes: number[]; weights: number[] }[] = [];
    let size = 0;
    for (const topology of training) {
      const { labels, counts, norm, colours, key } = this.histogram(topology);
      const known = this.classes.get(key);
      if (known !== undefined) {
        if (!hasType(known, topology, colours)) known.types.push({ topology, colours });
      } else {
        const number = this.first.length;
        this.classes.set(key, { number, types: [{ topology, colours }] });
        this.first.push(size);
        for (const [i, label] of labels.entries()) {
          lists[label] ??= { classes: [], weights: [] };
          lists[label].classes.push(number);
          lists[label].weights.push(counts[i]! / norm);
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
    const histogram = this.histogram(topology);
    const same = this.classes.get(histogram.key);
    if (same !== undefined) {
      const isomorphic = hasType(same, topology, histogram.colours);
      return { similarity: 1, isomorphic, nearest: this.first[same.number]! };
    }
    const known = this.answers.get(histogram.key);
    if (known !== undefined) return known;
    const answer = this.search(histogram);
    this.answers.set(histogram.key, answer);
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

  private histogram({ roles, parents }: Topology): Histogram {
    const children: number[][] = roles.map(() => []);
    for (const [i, list] of parents.entries()) for (const parent of list) children[parent]!.push(i);
    const { sequences } = this;
    const number = (node: number): number => sequences.number(node);
    let labels = roles.map((role) => {
      if (!this.roles.has(role)) this.roles.set(role, this.roles.size);
      return number(sequences.next(SequenceNumbers.START, this.roles.get(role)!));
    });
    const all = [...labels];
    for (let round = 0; round < WL_ROUNDS; round++) {
      const last = labels;
      const append = (node: number, neighbours: readonly number[]): number => {
        const sorted = neighbours.map((neighbour) => last[neighbour]!);
        if (sorted.length > 1) sorted.sort((a, b) => a - b);
        let end = node;
        for (const label of sorted) end = sequences.next(end, label);
        return end;
      };
      labels = last.map((label, i) => {
        const own = sequences.next(sequences.next(SequenceNumbers.START, OWN), label);
        return number(append(sequences.next(append(own, parents[i]!), CHILDREN), children[i]!));
      });
      all.push(...labels);
    }
    const colours = labels;
    // Labels of the last round say those of all rounds before, so they alone are the histogram's identity.
    let key = sequences.next(SequenceNumbers.START, HISTOGRAM);
    for (const label of labels.toSorted((a, b) => a - b)) key = sequences.next(key, label);
    all.sort((a, b) => a - b);
    return { ...runs(all), colours, key };
  }
}

/** Sorted labels as a histogram. */
function runs(sorted: readonly number[]): Pick<Histogram, 'labels' | 'counts' | 'norm'> {
  const labels: number[] = [];
  const counts: number[] = [];
  for (const label of sorted) {
    if (labels[labels.length - 1] === label) counts[counts.length - 1]!++;
    else {
      labels.push(label);
      counts.push(1);
    }
  }
  return { labels, counts, norm: Math.sqrt(counts.reduce((sum, count) => sum + count * count, 0)) };
}

function hasType({ types }: Class, topology: Topology, colours: readonly number[]): boolean {
  return types.some((type) => isIsomorphic(topology, type.topology, { a: colours, b: type.colours }));
}

/** The samples of an evaluation as a set to filter and to go through. */
import { DISPLAY_METHOD, type MimeBundle } from '../display.ts';
import { browserBundle } from './bundle.ts';
import { type EvaluatedSample, type EvaluationIndex, openEvaluation } from './evaluation.ts';
import { filterPositions, type SampleFilters } from './filters.ts';

/** Samples in task order; their texts are read one at a time while iterating. */
export class SampleSet implements Iterable<EvaluatedSample> {
  readonly evaluation: EvaluationIndex;
  /** Rows of the evaluation that are in the set. */
  readonly positions: Uint32Array;

  constructor(evaluation: EvaluationIndex, positions: Uint32Array) {
    this.evaluation = evaluation;
    this.positions = positions;
  }

  get length(): number {
    return this.positions.length;
  }

  /**
   * The samples that pass. Filters are looked up in the index; a function is given every sample with its text.
   * @throws userError BROWSE_FILTER, OPS_INVALID, MODE_UNKNOWN
   */
  filter(accept: SampleFilters | ((sample: EvaluatedSample) => boolean)): SampleSet {
    if (typeof accept !== 'function') {
      return new SampleSet(this.evaluation, filterPositions(this.evaluation, this.positions, accept));
    }
    const kept: number[] = [];
    let i = 0;
    for (const sample of this) {
      if (accept(sample)) kept.push(this.positions[i]!);
      i++;
    }
    return new SampleSet(this.evaluation, Uint32Array.from(kept));
  }

  /** The first `count` samples. */
  take(count: number): EvaluatedSample[] {
    return [...this.evaluation.read(this.positions.subarray(0, count))];
  }

  /** The sample at `index`, from the end when it is negative. */
  at(index: number): EvaluatedSample | undefined {
    const position = this.positions.at(index);
    return position === undefined ? undefined : this.evaluation.read([position]).next().value!;
  }

  [Symbol.iterator](): Iterator<EvaluatedSample> {
    return this.evaluation.read(this.positions);
  }

  /** A set at the end of a cell is browsed. */
  [DISPLAY_METHOD](): MimeBundle {
    return browserBundle(this.evaluation, this.positions, {});
  }
}

/**
 * The samples of an evaluation folder, each with its verdict and task:
 * `for (const sample of samples('out/eval').filter({ op: 4, verdict: 'answer_only' })) …`
 * @throws userError as {@link openEvaluation}
 */
export function samples(folder: string): SampleSet {
  const evaluation = openEvaluation(folder);
  return new SampleSet(
    evaluation,
    Uint32Array.from({ length: evaluation.length }, (_, i) => i),
  );
}

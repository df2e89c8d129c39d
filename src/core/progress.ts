/**
 * How a long job says where it is. The job reports; whoever started it decides what to show: a bar in a
 * terminal, one updating display in a notebook, nothing in a test.
 */
export interface ProgressReport {
  /** What is being done: `train`, `sample`, `generate`… */
  stage: string;
  /** Units finished, and how many there will be. */
  done: number;
  total: number;
  /** Name of the unit: `step`, `task`, `sample`… */
  unit: string;
  /** Estimated seconds until the end; absent while unknown. */
  secondsLeft?: number;
  /** Numbers worth showing, by their metric name (docs/metrics.md): loss, tokens_per_second… */
  values?: Readonly<Record<string, number>>;
  /** What the model wrote last, for jobs that sample. */
  sample?: string;
}

export type ProgressSink = (report: ProgressReport) => void;

/** For callers that do not want to know. */
export const silent: ProgressSink = () => {};

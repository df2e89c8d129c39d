/** Evaluation: from samples to metrics. */
export { type BootstrapOptions, bootstrapMeans, type Estimate } from './bootstrap.ts';
export { type CacheUse, cacheSize } from './cache.ts';
export * from './metrics.ts';
export { majAtK, meanAtK, passAtK, passHatK } from './passAtK.ts';
export { type EvaluationRow, readSamples } from './rows.ts';
export * from './run.ts';
export type {
  GivenResponse,
  ResponseRequest,
  ResponseSource,
  StopReason,
  TaskResponses,
} from './sources/source.ts';
export { isRight, type SampleRow, type TaskFacts, VERIFIERS, type Verifier } from './tally.ts';

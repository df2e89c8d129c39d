/** Evaluation: from samples to metrics. */
export { type BootstrapOptions, bootstrapMeans, type Estimate } from './bootstrap.ts';
export { type CacheUse, cacheSize } from './cache.ts';
export { checkedRow } from './checkedRow.ts';
export { type Gain, type GainGrouping, type GainOptions, pairedGains } from './gains.ts';
export { type GoldNll, type GoldNllOptions, goldNll } from './goldNll.ts';
export * from './metrics.ts';
export { majAtK, meanAtK, passAtK, passHatK } from './passAtK.ts';
export { type EvaluationRow, readSamples, rescoreRows } from './rows.ts';
export * from './run.ts';
export { meanOverSeeds, type SeedMean } from './seeds.ts';
export { type ResponsesFileOptions, responsesFile } from './sources/file.ts';
export type { HttpOptions } from './sources/http.ts';
export { modelSource } from './sources/model.ts';
export { CHAT_INSTRUCTION } from './sources/openai.ts';
export type { Timing } from './sources/pace.ts';
export { type ServerOptions, serverSource } from './sources/server.ts';
export type {
  GivenResponse,
  ResponseRequest,
  ResponseSource,
  StopReason,
  TaskResponses,
} from './sources/source.ts';
export { metricsTable, sweepTable } from './summary.ts';
export {
  type Checkpoints,
  type EvaluateRunOptions,
  evaluateRun,
  type Sweep,
  type SweepRow,
} from './sweep.ts';
export { isRight, type SampleRow, type TaskFacts, VERIFIERS, type Verifier } from './tally.ts';

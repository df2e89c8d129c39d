/** Reinforcement learning on plain text: RMT, RPT and RLP. */
export * from './accuracy.ts';
export * from './budget.ts';
export {
  parseRmtConfig,
  RMT_PRESETS,
  type RmtConfig,
  type RmtInput,
  type RmtPreset,
  rmtSchema,
} from './config.ts';
export {
  BUCKETS,
  type Bucket,
  bucketEdges,
  bucketOf,
  type Edges,
  type NextTokens,
  nextTokens,
} from './difficulty.ts';
export * from './entropies.ts';
export type { RmtMetrics, RmtTiming, ThoughtRow } from './log.ts';
export { nextTokenLoss } from './nextTokenLoss.ts';
export type { RmtFacts } from './open.ts';
export { curriculumAt, drawPositions, type Shares } from './positions.ts';
export type { RmtOptions, RmtResult } from './result.ts';
export { rmt } from './rmt.ts';
export { type ChosenTokens, chooseTokens, predictChosen, type TokenChoice } from './study.ts';
export { parseThought, type Thought } from './thought.ts';

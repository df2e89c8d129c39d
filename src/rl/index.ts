/** Reinforcement learning with verifiable rewards: GRPO and its relatives. */
export * from './accounting.ts';
export * from './advantage.ts';
export {
  type GrpoConfig,
  type GrpoInput,
  grpoSchema,
  parseGrpoConfig,
  type RewardPart,
} from './config.ts';
export { advanceCurriculum, type CurriculumState } from './curriculum.ts';
export { type GrpoOptions, type GrpoResult, grpo } from './grpo.ts';
export type { GrpoMetrics, GrpoTiming } from './log.ts';
export type { GrpoFacts } from './open.ts';
export * from './options.ts';
export { openRecipe, type Place, type Recipe, type RlPrompt } from './recipes.ts';
export type { JudgedResponse, RewardFunction } from './rewards.ts';
export * from './rmt/index.ts';
export type { JudgedRollout, RolloutGroup, StepRollouts } from './rollouts.ts';
export type { RolloutRow } from './samples.ts';
export { scoreTokens } from './score.ts';
export * from './signal.ts';
export { type RolloutStatistics, rolloutStatistics } from './statistics.ts';
export type { Rollout, ScoredRollout, TokenScores, UpdateStatistics } from './types.ts';
export { policyUpdates, updatePolicy } from './update.ts';

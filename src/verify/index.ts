/** Verification: solution text → graph → comparison → rewards. */
export { extractAnswer, parseNumber } from './answer.ts';
export { type Comparison, compare, type NodeComparison, VALUE_TOLERANCE } from './compare.ts';
export { compareAsReference, parseAsReference } from './compatible/index.ts';
export type * from './compatible/types.ts';
export { bindingOf, MINUS, TIMES } from './expression.ts';
export { type Gold, goldGraph, type IndexedGold, indexGold, prepareGold } from './gold.ts';
export {
  compositeReward,
  REWARD_NAMES,
  type Reward,
  rewardByName,
  rewardsOf,
  weightedReward,
} from './rewards.ts';
export { checkedResponse, type ResponseRow } from './rows.ts';
export { normalizeName, parseSolution } from './solution.ts';
export { withoutThoughts } from './thoughts.ts';
export * from './types.ts';
export { type VerifyOptions, verify } from './verify.ts';
export { splitGold, splitResponse, splitSteps, type WrittenStep } from './written.ts';

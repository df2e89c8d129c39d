export { AdamW, type AdamWOptions } from './adamw.ts';
export { type Batches, createBatches } from './batches.ts';
export * from './checkpoint.ts';
export { computeBudgetSchema, textEquivalents, tokenBudget } from './compute.ts';
export {
  applyOverrides,
  type PretrainConfig,
  type PretrainInput,
  parsePretrainConfig,
  parseSettings,
  pretrainSchema,
} from './config.ts';
export {
  encodeText,
  kindOf,
  openData,
  type SequenceSource,
  type TaskKind,
  type TaskSequences,
  type TrainingData,
} from './data.ts';
export type { DataConfig, LossOn, Packing, Thinking } from './dataConfig.ts';
export { type HeldOutLoss, type HeldOutText, heldOutLoss, heldOutTexts } from './heldOut.ts';
export { type LossWeights, lossWeights } from './objective.ts';
export { checkLength, type PackedBatch, pack, toTensors } from './packing.ts';
export { type PretrainOptions, type PretrainResult, pretrain } from './pretrain.ts';
export { Remit, type RemitOptions, remitWeights } from './remit.ts';
export type { RunFacts } from './runFolder.ts';
export { RunLog, readMetrics, type TrainMetrics, type TrainTiming } from './runLog.ts';
export { DECAY_SHAPES, learningRate, SCHEDULES, type Schedule } from './schedule.ts';
export { openShards, type TokenShards } from './shards.ts';
export { SHARD_TOKENS, ShardWriter, type WriteShardsOptions, writeShards } from './shardWriter.ts';
export { type StepOptions, type StepResult, trainStep } from './step.ts';

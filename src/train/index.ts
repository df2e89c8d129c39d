export { AdamW, type AdamWOptions } from './adamw.ts';
export * from './checkpoint.ts';
export {
  applyOverrides,
  type PretrainConfig,
  type PretrainInput,
  parsePretrainConfig,
  parseSettings,
  pretrainSchema,
} from './config.ts';
export { encodeTask, sequenceSource, type TaskSeries, taskSeries } from './data.ts';
export { nextSequences, type PackedBatch, pack, type SequenceSource, toTensors } from './packing.ts';
export { type PretrainOptions, type PretrainResult, pretrain } from './pretrain.ts';
export { Remit, type RemitOptions, remitWeights } from './remit.ts';
export type { RunFacts } from './runFolder.ts';
export { RunLog, readMetrics, type TrainMetrics, type TrainTiming } from './runLog.ts';
export { learningRate, type Schedule } from './schedule.ts';
export { meanLoss, type StepOptions, type StepResult, trainStep } from './step.ts';

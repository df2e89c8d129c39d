/** Models and whole experiments for other programs, models from them, and our rewards over HTTP. */
export type { ExperimentOptions } from './experiment.ts';
export {
  exportHuggingFace,
  type HuggingFaceExport,
  type HuggingFaceImport,
  type HuggingFaceOptions,
  importHuggingFace,
} from './huggingface.ts';
export { exportLlamaFactory, type LlamaFactoryExport } from './llamafactory.ts';
export {
  type RewardResult,
  type RewardServer,
  rewardResults,
  startRewardServer,
} from './rewardServer.ts';
export { exportVerl, type VerlExport, type VerlOptions } from './verl.ts';

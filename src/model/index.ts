export * from './config.ts';
export { type LoadedModel, loadModel, saveModel } from './files.ts';
export {
  createQwen2,
  decodeStep,
  disposeQwen2,
  type ForwardOptions,
  forward,
  hiddenStates,
  logProbabilities,
  parameterShapes,
  prefill,
  type Qwen2,
  qwen2FromValues,
  type TokenBatch,
  tokenLosses,
} from './qwen2.ts';
export { readSafetensors, writeSafetensors } from './safetensors.ts';

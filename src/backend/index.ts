export { type Environment, environment } from './environment.ts';
export { recomputed, variableGradients } from './gradients.ts';
export {
  cpuFeatures,
  type InstructionSet,
  instructionSet,
  profileOperations,
  setThreadCount,
  threadCount,
} from './native/engine.ts';
export { kernelsOnCpu, nativeFallbacks } from './native/register.ts';
export {
  type AdamwOptions,
  type AdamwParameter,
  adamwStep,
  clippedAdamwStep,
  globalNorm,
} from './ops/adamw.ts';
export { attention } from './ops/attention.ts';
export { type DecoderLayerWeights, type DecoderWeights, fusedDecodeStep } from './ops/decode.ts';
export { embedding } from './ops/embedding.ts';
export { gatedFeedForward } from './ops/gated-feed-forward.ts';
export {
  attentionWithCache,
  copyCacheSlot,
  createKvCache,
  type KvCache,
  writeCache,
} from './ops/kv-cache.ts';
export { linear } from './ops/linear.ts';
export {
  type CrossEntropyOptions,
  linearCrossEntropy,
  tokenLogProbabilities,
} from './ops/linear-cross-entropy.ts';
export { type Affine, qkvProjection } from './ops/qkv-projection.ts';
export { rmsNorm, rmsNormResidual } from './ops/rms-norm.ts';
export { rotary } from './ops/rotary.ts';
export { type SampledTokens, type SampleOptions, sampleTokens } from './ops/sample-tokens.ts';
export { swiglu } from './ops/swiglu.ts';
export {
  type BackendName,
  type BackendProbe,
  type BackendReport,
  backendNames,
  probeBackend,
  probeBackends,
  useBackend,
} from './select.ts';

/** Evaluation: from samples to metrics. */
export { type BootstrapOptions, bootstrapMeans, type Estimate } from './bootstrap.ts';
export * from './metrics.ts';
export { majAtK, meanAtK, passAtK, passHatK } from './passAtK.ts';
export * from './run.ts';

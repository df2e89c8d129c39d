/** Tasks: problems drawn from dependency graphs, their records and their text. */
export * from './contexts.ts';
export { fingerprint } from './fingerprint.ts';
export * from './mixture.ts';
export * from './ops.ts';
export { checkRecord, readTasks, type TaskRecord } from './records.ts';
export * from './source.ts';
export { DEFAULT_SPLITS, type Splits } from './splits.ts';
export * from './text.ts';
export * from './types.ts';
export * from './world.ts';

/** Tasks: problems drawn from dependency graphs, their records and their text. */
export type { CellOptions, HeldOut } from './cells.ts';
export type { CreateTokenCounter, TokenCounter } from './chunk.ts';
export * from './contexts.ts';
export { DEFAULT_IDENTITY, fingerprint, type Identity } from './fingerprint.ts';
export { taskIds } from './identity.ts';
export * from './mixture.ts';
export * from './ops.ts';
export { loadMixture, loadWorld, mixturePresets } from './presets.ts';
export type { Depth } from './quantity.ts';
export { checkRecord, readTasks, type TaskRecord } from './records.ts';
export * from './source.ts';
export { DEFAULT_SPLITS, type Splits } from './splits.ts';
export { type SizeSummary, type SummaryOptions, summariseTasks, type TaskSummary } from './summary.ts';
export * from './text.ts';
export * from './types.ts';
export { checkUniqueBy, MOST_DUPLICATES, UNIQUE_BY, type UniqueBy, uniqueTasks } from './unique.ts';
export * from './world.ts';
export { type WriteTasksOptions, type WriteTasksSummary, writeTasks } from './write.ts';

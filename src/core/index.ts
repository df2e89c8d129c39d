export * from './cancellation.ts';
export * from './errors.ts';
export * from './files.ts';
export * from './hash.ts';
export * from './json.ts';
export * from './jsonl.ts';
export * from './progress.ts';
export * from './random.ts';

/**
 * Everything a notebook or a script needs: `import { createTaskSource, pretrain, … } from '../src/index.ts'`.
 * `tf` is tfjs-core, the tensor API of all backends; `tasks`, `train`, `analysis` and `figures` are whole layers, as
 * notebooks have them without an import.
 */
export * as tf from '@tensorflow/tfjs-core';
export * from './analysis/index.ts';
export * as analysis from './analysis/index.ts';
export * from './backend/index.ts';
export * from './core/index.ts';
export * from './evaluate/index.ts';
export * from './export/index.ts';
export * from './figures/index.ts';
export * as figures from './figures/index.ts';
export * from './model/index.ts';
export * from './notebook/index.ts';
export * from './rl/index.ts';
export * from './sample/index.ts';
export * from './tasks/index.ts';
export * as tasks from './tasks/index.ts';
export * from './tokenizer/index.ts';
export * from './train/index.ts';
export * as train from './train/index.ts';
export * from './verify/index.ts';

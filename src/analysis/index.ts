/** Analysis: tables from metrics, graph comparison, saved evaluations. */
export * from './budget.ts';
export * from './compareGraphs.ts';
export * from './edge.ts';
export * from './evaluations.ts';
export * from './experiments.ts';
export * from './frames.ts';
export { isIsomorphic } from './isomorphism.ts';
export * from './nll.ts';
export { tableParquet } from './parquet.ts';
export * from './similarity.ts';
export * from './similarity-frame.ts';
export * from './tables.ts';
export * from './topology.ts';

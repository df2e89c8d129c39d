/** Analysis: tables from metrics, graph comparison, saved evaluations. */
export * from './compareGraphs.ts';
export * from './edge.ts';
export * from './evaluations.ts';
export * from './frames.ts';
export * from './tables.ts';

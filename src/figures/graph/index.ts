export { drawGraph, drawGraphPair } from './draw.ts';
export { GraphFigure } from './figure.ts';
export * from './types.ts';

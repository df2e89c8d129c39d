export { drawGraph, drawGraphPair } from './draw.ts';
export { GraphFigure } from './figure.ts';
export type {
  DrawableComparison,
  DrawableGraph,
  DrawableNode,
  GraphOptions,
  GraphPairOptions,
  QuantityMark,
} from './types.ts';

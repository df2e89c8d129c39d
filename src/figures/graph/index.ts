export { drawGraph, drawGraphPair } from './draw.ts';
export { GraphFigure } from './figure.ts';
export { drawGraphGrid, type GraphCell, type GraphGridOptions } from './grid.ts';
export {
  type DrawableTask,
  drawResponse,
  drawResponses,
  drawTask,
  drawTasks,
  type TaskOptions,
} from './task.ts';
export type {
  DrawableComparison,
  DrawableGraph,
  DrawableNode,
  GraphOptions,
  GraphPairOptions,
  NodeDetail,
  QuantityMark,
} from './types.ts';

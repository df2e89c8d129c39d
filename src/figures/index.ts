export { type ErrorTypesOptions, errorTypes } from './error-types.ts';
export { FIGURE_FORMATS, figureFormat, type SaveOptions, saveFigure } from './export.ts';
export { Figure } from './figure.ts';
export type { Frame } from './frame.ts';
export * from './graph/index.ts';
export { type PassAtKOptions, passAtK, passAtKByOp } from './pass-at-k.ts';
export { type TrainingCurveOptions, trainingCurve } from './training-curve.ts';
export type * from './types.ts';

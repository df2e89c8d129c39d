/**
 * Figures as values: a function per figure takes a table (or rows) and options and gives a {@link Figure};
 * {@link drawGraph} and {@link drawGraphPair} give a {@link GraphFigure}. Both show themselves in notebooks,
 * have their SVG as `.svg`, and are saved by {@link saveFigure}.
 */
export { type BarsOptions, bars } from './bars.ts';
export { type ErrorTypesOptions, errorTypes } from './error-types.ts';
export { FIGURE_FORMATS, type SaveJob, type SaveOptions, saveFigure, saveFigures } from './export.ts';
export { Figure } from './figure.ts';
export type { Frame } from './frame.ts';
export * from './graph/index.ts';
export { type HeatMapOptions, heatMap } from './heat-map.ts';
export { type HistogramOptions, histograms } from './histograms.ts';
export { type LossCurvesOptions, lossCurves } from './loss-curves.ts';
export { type LossKind, type LossRow, type LossRowsOptions, lossRows } from './loss-rows.ts';
export * from './mid-training.ts';
export * from './paper.ts';
export { type PassAtKOptions, passAtKByOp, passAtKCurve } from './pass-at-k.ts';
export { PAPER_WIDTHS, type PaperWidth, pixels } from './print-width.ts';
export { readRows } from './rows-file.ts';
export { type RunCurvesOptions, runCurves } from './run-curves.ts';
export { figure2, type SchematicOptions } from './schematic.ts';
export type { IntervalStyle } from './series.ts';
export { type SideBySideOptions, sideBySide } from './side-by-side.ts';
export { type BudgetGridOptions, budgetGrid, type DynamicsOptions, dynamics } from './sweeps.ts';
export * from './tables/paper.ts';
export { FigureTable, TABLE_FORMATS, type TableColumn } from './tables/table.ts';
export { type TrainingCurveOptions, trainingCurve } from './training-curve.ts';
export type { FigureLayout, FigureSpec, Trace } from './types.ts';

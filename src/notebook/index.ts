/** What cells call to show things. */
export * from './browser/index.ts';
export * from './display.ts';
export { Displayable } from './displayable.ts';
export { initPlotly, type ShowPlotlyOptions, showPlotly } from './plotly.ts';
export * from './progress.ts';
export { showTable, type TableOptions } from './table.ts';
export { type ShowableTask, type ShowableVerdict, showResponse, showTask } from './task.ts';

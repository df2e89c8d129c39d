/**
 * Plotly in notebooks. Our figures show themselves; this is for plotly specifications of one's own, and for
 * pages from which the first figure (which brought plotly along) was deleted.
 */
import { plainTable } from '../figures/plain.ts';
import { forgetLibrary, type PlotlySpec, plotlyBundle, takeLibrary } from '../figures/plotly/bundle.ts';
import { Displayable } from './displayable.ts';

/**
 * Puts plotly on the page now (again, if it was there): the figures of all cells below and above find it.
 * Make it a cell's last expression.
 */
export function initPlotly(): Displayable {
  return new Displayable(() => {
    forgetLibrary();
    return { 'text/html': takeLibrary(), 'text/plain': 'plotly is on this page' };
  });
}

export interface ShowPlotlyOptions {
  title?: string;
  /** Whether the output brings plotly along, to be cut out of the notebook alone. */
  selfContained?: boolean;
}

/** Shows any plotly specification, interactive, with its data as a text table. */
export function showPlotly(spec: PlotlySpec, options: ShowPlotlyOptions = {}): Displayable {
  const title = options.title ?? 'Figure';
  const text = `${title}\n${plainTable(rowsOfTraces(spec.data))}`;
  return new Displayable(() =>
    plotlyBundle(spec, { title, text, selfContained: options.selfContained ?? false }),
  );
}

/** The points of traces that have x and y; what has neither is named. */
function rowsOfTraces(data: unknown): Record<string, unknown>[] {
  if (!Array.isArray(data)) return [];
  const traces: { name?: unknown; type?: unknown; x?: unknown; y?: unknown }[] = data;
  return traces.flatMap((trace, i): Record<string, unknown>[] => {
    const name = trace.name ?? `trace ${i}`;
    const x = list(trace.x);
    const y = list(trace.y);
    if (x === undefined || y === undefined) return [{ trace: name, type: trace.type ?? 'scatter' }];
    return x.map((value, at) => ({ trace: name, x: value, y: y[at] }));
  });
}

function list(values: unknown): unknown[] | undefined {
  if (Array.isArray(values)) return values;
  return ArrayBuffer.isView(values) ? Array.from(values as unknown as Iterable<number>) : undefined;
}

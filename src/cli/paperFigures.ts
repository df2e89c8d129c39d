/** The paper's figures and tables by name, each with what it is drawn from. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { userError } from '../core/errors.ts';
import type { Figure, FigureTable } from '../figures/index.ts';

/** What a figure is made from, beside a file of its rows. */
type Source = 'range' | 'op' | 'context' | 'errors' | 'dynamics' | 'runs' | 'nll' | 'rows' | 'three';

const SOURCES: Readonly<Record<string, Source>> = {
  figure_1: 'three',
  figure_3: 'range',
  figure_4: 'op',
  figure_5: 'rows',
  figure_6: 'op',
  figure_7: 'range',
  figure_8: 'errors',
  figure_9: 'dynamics',
  figure_10: 'nll',
  figure_11: 'runs',
  figure_12: 'context',
  figure_13: 'context',
  figure_14: 'runs',
  figure_15: 'range',
  figure_16: 'runs',
  figure_17: 'runs',
  figure_18: 'range',
};

/** Names of the figures; figure 2 is drawn from a task (schematic). */
export const PAPER_FIGURES: readonly string[] = Object.keys(SOURCES);
export const PAPER_TABLES: readonly string[] = ['table_1', 'table_2', 'table_3'];

export interface PaperOptions {
  title?: string;
  width?: number;
  verifier?: string;
  ks?: readonly number[];
  /** Of the bootstrap of figure_10. */
  seed: number;
}

type Drawing = (frame: never, options: never) => Figure;

/**
 * Draws a figure of the paper. `inputs`: a file of rows; a design (a table with the column `evaluation` and the experiment's
 * factors); evaluation folders; a sweep; run folders; or for figure_10 files of `interplay nll`, the base model's first.
 */
export async function drawPaperFigure(
  name: string,
  inputs: readonly string[],
  options: PaperOptions,
): Promise<Figure> {
  const figures = await import('../figures/index.ts');
  const { seed, verifier, ks, ...look } = options;
  const source = SOURCES[name]!;
  if (source === 'three') {
    if (inputs.length !== 3) {
      const expected = '--in with three files of rows: RL ranges, exposure, mid-training';
      throw userError('USAGE', expected, String(inputs.length), 'see docs/gallery.md');
    }
    const [ranges, exposure, midTraining] = await Promise.all(
      inputs.map((path) => framesOf('rows', [path], seed)),
    );
    return figures.figure1({ ranges: ranges!, exposure: exposure!, midTraining: midTraining! }, look);
  }
  const chosen = {
    ...look,
    ...(verifier === undefined ? {} : { verifier }),
    ...(ks === undefined ? {} : { ks }),
  };
  const draw = (figures as unknown as Record<string, Drawing>)[name.replace('_', '')]!;
  return draw((await framesOf(source, inputs, seed)) as never, chosen as never);
}

/** A table of the paper. */
export async function paperTable(name: string): Promise<FigureTable> {
  const { table1, table2, table3 } = await import('../figures/index.ts');
  return { table_1: () => table1(), table_2: () => table2(), table_3: () => table3() }[name]!();
}

/** The rows that a figure is drawn from. */
async function framesOf(
  source: Source,
  inputs: readonly string[],
  seed: number,
): Promise<Record<string, unknown>[]> {
  const analysis = await import('../analysis/index.ts');
  const { readRows } = await import('../figures/rows-file.ts');
  if (source === 'nll' && inputs.length > 1) {
    const [base, ...runs] = inputs.map(analysis.readNll);
    const names = inputs.slice(1).map((path) => basename(path).replace(/\.jsonl(\.gz)?$/i, ''));
    const frame = analysis.nllReductionFrame(
      base!,
      Object.fromEntries(names.map((name, i) => [name, runs[i]!])),
      { seed },
    );
    return analysis.rowsOf(frame) as Record<string, unknown>[];
  }
  if (inputs.every(isFolder)) {
    if (source === 'runs') return analysis.runRows(inputs);
    if (source === 'dynamics' && inputs.length === 1) return analysis.dynamicsRows(inputs[0]!);
    if (isMeasured(source)) return evaluationRows(analysis.namedDesign(inputs), source);
  }
  if (inputs.length > 1) {
    throw userError('USAGE', 'one file of rows, or folders', inputs.join(', '), 'see docs/gallery.md');
  }
  const rows = readRows(inputs[0]!);
  const first = rows[0] ?? {};
  const isDesign = typeof first.evaluation === 'string' && !('value' in first) && !('share' in first);
  if (!isDesign || !isMeasured(source)) return rows;
  // Folders of a design are named from where its file is.
  const base = dirname(inputs[0]!);
  const design = rows.map((row) => ({ ...row, evaluation: join(base, String(row.evaluation)) }));
  return evaluationRows(design, source);
}

type MeasuredSource = 'range' | 'op' | 'context' | 'errors';

function isMeasured(source: Source): source is MeasuredSource {
  return ['range', 'op', 'context', 'errors'].includes(source);
}

async function evaluationRows(design: { evaluation: string }[], source: MeasuredSource) {
  const { designRows } = await import('../analysis/index.ts');
  return source === 'errors' ? designRows(design, 'range', 'error_types') : designRows(design, source);
}

/** Whether a path is a folder. */
export function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

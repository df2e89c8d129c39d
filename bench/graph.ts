/**
 * Speed of drawn graphs and of what they are saved as: processor time of a gold and a predicted graph of 30 nodes, of
 * a grid of twelve, and the wall time of exports, cold (Chromium is started) and warm.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Printer } from '../src/figures/browser.ts';
import { chromiumPath } from '../src/figures/chromium.ts';
import { type DrawableGraph, drawGraphPair, drawResponses, saveFigure } from '../src/figures/index.ts';
import { createTaskSource, responseText } from '../src/tasks/index.ts';
import { leastProcessorTime } from './processorTime.ts';
import { type BenchmarkReport, type BenchmarkRow, row } from './table.ts';

const ROUNDS = 7;

export async function graphBenchmark(): Promise<BenchmarkReport> {
  const [gold, predicted] = [graphOf(30), graphOf(30, 7)];
  const task = createTaskSource({ ops: '15', seed: 1 }).take(1)[0]!;
  const responses = Array.from({ length: 12 }, () => responseText(task));
  const rows: BenchmarkRow[] = [
    row(
      'draw a pair of 30 nodes each',
      'ms',
      best(() => drawGraphPair(gold, predicted)),
      undefined,
      150,
    ),
    row(
      'draw 12 responses of op 15',
      'ms',
      best(() => drawResponses(task, responses)),
      undefined,
      null,
    ),
  ];
  const folder = mkdtempSync(join(tmpdir(), 'interplay-bench-'));
  try {
    const figure = drawGraphPair(gold, predicted);
    rows.push(
      row('save as .svg', 'ms', await wall(() => saveFigure(figure, join(folder, 'g.svg'))), undefined, 100),
    );
    if (chromiumPath() === undefined)
      return { rows, notes: ['no Chromium: .pdf and .png were not measured'] };
    rows.push(
      row(
        'save as .pdf, cold',
        'ms',
        await wall(() => saveFigure(figure, join(folder, 'g.pdf'))),
        undefined,
        null,
      ),
    );
    const printer = await Printer.open();
    const { svg, width, height } = figure;
    const print = (format: 'pdf' | 'png') => () =>
      printer.print({ svg, format, size: { width, height }, scale: 0.5, dpi: 300 });
    try {
      for (const format of ['pdf', 'png'] as const) {
        await print(format)();
        rows.push(
          row(`save as .${format}, browser running`, 'ms', await wall(print(format)), undefined, null),
        );
      }
    } finally {
      await printer.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { rows };
}

/** A graph in which each node takes one or two earlier ones; every `off`-th has another value. */
function graphOf(count: number, off = Number.POSITIVE_INFINITY): DrawableGraph {
  const name = (i: number) => `adult animal ${i} in Cedar Valley`;
  const nodes = Array.from({ length: count }, (_, i) => ({
    name: name(i),
    value: i % off === off - 1 ? 99 : i % 13,
    dependencies:
      i < 3 ? [] : [...new Set([i - 1 - ((i * 7) % 3), Math.max(0, i - 2 - ((i * 11) % 9))])].map(name),
  }));
  return { nodes, query: name(count - 1), answer: nodes.at(-1)!.value };
}

/** Processor time in ms. */
const best = (draw: () => unknown): number => 1000 * leastProcessorTime(draw, ROUNDS);

async function wall(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Metrics as text, for a terminal. */
import type { Estimate } from './bootstrap.ts';
import type { GroupMetrics, Metrics } from './metrics.ts';
import type { SweepRow } from './sweep.ts';

/**
 * Two tables: verified pass@k, and shares of samples with their 95 % intervals; a line per op, range, context and mode
 * and one for all. `–` is undefined.
 */
export function metricsTable(metrics: Metrics): string {
  const ks = shownKs(metrics.k);
  const { missing, problems } = metrics.overall;
  const lines = [
    'verified pass@k',
    line('', ['problems', ...ks.map((k) => `pass@${k}`)], 9),
    ...groupsOf(metrics).map(([name, group]) =>
      line(name, [group.problems, ...ks.map((k) => number(group.pass_at_k.verified[k]!.value))], 9),
    ),
    '',
    'shares of samples (95 % interval over problems)',
    line('', ['verified', 'answer', 'reference', 'unparsed', 'truncated'], 19),
    ...groupsOf(metrics).map(([name, { verified, answer_correct, compatible, errors }]) =>
      line(name, [verified, answer_correct, compatible, errors.unparsed, errors.truncated].map(interval), 19),
    ),
    '(verified: every step and the answer; answer: the answer alone; reference: as its evaluator says)',
  ];
  if (missing > 0) {
    lines.push(
      `${missing} of ${problems} tasks have no response: nothing is defined over them (--missing wrong counts them as wrong)`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** One line per checkpoint: verified pass@k by range, with the answer alone beside the first k. */
export function sweepTable(rows: readonly SweepRow[]): string {
  const ks = [...new Set(rows.map(({ k }) => k))].sort((a, b) => a - b);
  const shown = [...new Set([ks[0]!, ks.at(-1)!])];
  const ranges = [...new Set(rows.map(({ range }) => range))];
  const steps = [...new Set(rows.map(({ step }) => step))];
  const columns = ranges.flatMap((range) => [
    ...shown.map((k) => ({ range, statistic: 'verified', k, name: `${range} pass@${k}` })),
    { range, statistic: 'answer', k: ks[0]!, name: `${range} answer@${ks[0]}` },
  ]);
  const width = Math.max(12, ...columns.map(({ name }) => name.length + 2));
  const body = steps.map((step) => {
    const own = rows.filter((row) => row.step === step);
    const { tokens, validation_loss: loss } = own[0]!;
    const cells = columns.map(({ range, statistic, k }) =>
      own.find((row) => row.range === range && row.statistic === statistic && row.k === k),
    );
    return line(
      String(step),
      [
        tokens ?? '–',
        loss === null ? '–' : loss.toFixed(4),
        ...cells.map((row) => number(row?.value ?? Number.NaN)),
      ],
      width,
      10,
    );
  });
  const header = line('step', ['tokens', 'loss', ...columns.map(({ name }) => name)], width, 10);
  return `${[header, ...body].join('\n')}\n`;
}

function groupsOf(metrics: Metrics): [name: string, group: GroupMetrics][] {
  const named = (kind: string, groups: Record<string, GroupMetrics>): [string, GroupMetrics][] =>
    Object.entries(groups).map(([name, group]) => [`${kind} ${name}`, group]);
  return [
    ...named('op', metrics.by_op),
    ...named('range', metrics.by_range),
    ...named('context', metrics.by_context),
    ...named('mode', metrics.by_mode),
    ['all', metrics.overall],
  ];
}

/** At most six: the first and the last five. */
function shownKs(ks: readonly number[]): string[] {
  return (ks.length > 6 ? [ks[0]!, ...ks.slice(-5)] : ks).map(String);
}

function line(name: string, cells: readonly (string | number)[], width: number, first = 32): string {
  return name.padEnd(first) + cells.map((cell) => String(cell).padStart(width)).join('');
}

function number(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(3);
}

function interval({ value, low, high }: Estimate): string {
  return Number.isNaN(low) ? number(value) : `${number(value)} ${share(low)}–${share(high)}`;
}

function share(value: number): string {
  return value.toFixed(2).replace(/^0\./, '.');
}

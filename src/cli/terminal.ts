/** What the commands share: number parsing with coded errors, the progress bar on stderr, `--json` output. */
import { InvalidArgumentError } from 'commander';
import type { ProgressReport, ProgressSink } from '../core/progress.ts';

/** Commander parser for an integer option within [low, high]. */
export function integerOption(low: number, high = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value) || value < low || value > high) {
      throw new InvalidArgumentError(`must be an integer within ${low}-${high}`);
    }
    return value;
  };
}

/** Commander parser for a finite number within [low, high]. */
export function numberOption(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < low || value > high) {
      throw new InvalidArgumentError(`must be a number within ${low}-${high}`);
    }
    return value;
  };
}

/** Commander parser for an option that may be given several times; its default is []. */
export function repeated(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value];
}

const SCALES: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, B: 1e9, G: 1e9 };

/** Commander parser for a large whole number: `1000`, `200k`, `50M`, `1.5B`. */
export function amountOption(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmbg]?)$/i.exec(text.trim());
  const value = match === null ? Number.NaN : Number(match[1]) * SCALES[match[2]!.toUpperCase()]!;
  const rounded = Math.round(value);
  if (Number.isSafeInteger(rounded) && rounded >= 1) return rounded;
  throw new InvalidArgumentError('must be a number of 1 or more, like 200k, 50M or 1.5B');
}

/** The one JSON document of `--json`. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** `1:05` from seconds. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Numbers for people: four significant digits, thousands separated. */
export function brief(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/**
 * A progress sink for stderr: one line rewritten in place in a terminal; in a log, a line for every tenth of
 * the way, so that a file stays short. `header` is a line shown before the first report.
 */
export function terminalProgress(header?: string): ProgressSink {
  let shown = -1;
  let last = 0;
  return (report: ProgressReport) => {
    if (header !== undefined) process.stderr.write(`${header}\n`);
    header = undefined;
    const share = report.total > 0 ? report.done / report.total : 0;
    const finished = report.done >= report.total;
    if (process.stderr.isTTY) {
      const now = performance.now();
      if (!finished && now - last < 100) return;
      last = now;
      process.stderr.write(`\r\x1b[K${line(report, share)}${finished ? '\n' : ''}`);
    } else {
      const tenth = Math.floor(share * 10);
      if (tenth === shown) return;
      shown = tenth;
      process.stderr.write(`${line(report, share)}\n`);
    }
  };
}

function line(report: ProgressReport, share: number): string {
  const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░');
  const values = Object.entries(report.values ?? {})
    .map(([name, value]) => `${name} ${brief(value)}`)
    .join('  ');
  const left = report.secondsLeft === undefined ? '' : `  ${clock(report.secondsLeft)} left`;
  return `${report.stage} ${bar} ${brief(report.done)}/${brief(report.total)} ${report.unit}s  ${values}${left}`;
}

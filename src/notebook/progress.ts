/**
 * Progress of a long job as one display that updates in place: a bar, time left, the reported numbers, a curve
 * of the loss when one is reported, and what the model wrote last when the job samples.
 */
import type { ProgressReport, ProgressSink } from '../core/progress.ts';
import { hasRichDisplay, newDisplay } from './display.ts';

export interface LiveProgressOptions {
  /** Stands in front of the bar; the stage of the report when absent. */
  title?: string;
  /** Name of the value that gets a curve. */
  curve?: string;
  /** Milliseconds, for tests. */
  now?: () => number;
  /** Where it is shown, for tests; a new display otherwise. */
  show?: (bundle: { 'text/html': string; 'text/plain': string }) => void;
}

/** A sink whose last report can be shown although the job ended early. */
export type LiveProgress = ProgressSink & { finish(): void };

/** Four updates a second look alive and cost nothing; a terminal gets a line now and then. */
const NOTEBOOK_MS = 250;
const TERMINAL_MS = 5000;

/** Points kept of the curve; when full, every second one is dropped and the spacing doubles. */
const MOST_POINTS = 400;

/** Characters shown of a sample: its end, where the answer stands. */
const MOST_SAMPLE = 2000;

/**
 * A progress sink for a notebook cell: `await pretrain({ …, progress: liveProgress({ title: 'train' }) })`.
 * The first and the final report (`done` = `total`, or `finish()`) are always shown, others at most four
 * times a second.
 */
export function liveProgress(options: LiveProgressOptions = {}): LiveProgress {
  const { title, curve = 'loss', now = () => performance.now() } = options;
  const handle = options.show === undefined ? newDisplay() : undefined;
  const show = options.show ?? ((bundle) => handle?.update(bundle));
  const interval = options.show !== undefined || hasRichDisplay() ? NOTEBOOK_MS : TERMINAL_MS;
  const points = new Curve();
  let latest: ProgressReport | undefined;
  let sample: string | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  let trailing: NodeJS.Timeout | undefined;

  const render = () => {
    clearTimeout(trailing);
    trailing = undefined;
    if (latest === undefined) return;
    shownAt = now();
    show({
      'text/html': progressHtml(
        { ...latest, ...(sample === undefined ? {} : { sample }) },
        title ?? latest.stage,
        curve,
        points.values,
      ),
      'text/plain': progressText(latest, title ?? latest.stage),
    });
  };
  const sink = (report: ProgressReport) => {
    latest = report;
    sample = report.sample ?? sample;
    const value = report.values?.[curve];
    if (value !== undefined && Number.isFinite(value)) points.add(value);
    const wait = shownAt + interval - now();
    if (wait <= 0 || report.done >= report.total) render();
    else trailing ??= setTimeout(render, wait);
  };
  return Object.assign(sink, { finish: render });
}

/** A bounded record of a curve of unknown length. */
class Curve {
  values: number[] = [];
  #every = 1;
  #seen = 0;

  add(value: number): void {
    if (this.#seen++ % this.#every !== 0) return;
    this.values.push(value);
    if (this.values.length < MOST_POINTS) return;
    this.values = this.values.filter((_, at) => at % 2 === 0);
    this.#every *= 2;
  }
}

/** `train 120/400 steps (30 %), 1:05 left, loss 2.31` */
export function progressText(report: ProgressReport, title: string): string {
  const { done, total, unit, secondsLeft, values } = report;
  const parts = [`${title} ${whole(done)}/${whole(total)} ${unit}s (${Math.floor(100 * share(report))} %)`];
  if (secondsLeft !== undefined && done < total) parts.push(`${clock(secondsLeft)} left`);
  for (const [name, value] of Object.entries(values ?? {})) parts.push(`${name} ${figure(value)}`);
  return parts.join(', ');
}

function progressHtml(
  report: ProgressReport,
  title: string,
  curve: string,
  points: readonly number[],
): string {
  const { done, total, unit, secondsLeft, values, sample } = report;
  const percent = (100 * share(report)).toFixed(1);
  const left = secondsLeft !== undefined && done < total ? ` · ${clock(secondsLeft)} left` : '';
  const bar =
    `<div style="width:100%;max-width:480px;height:8px;border-radius:4px;background:#8884;overflow:hidden">` +
    `<div style="width:${percent}%;height:8px;background:#3178c6"></div></div>`;
  const numbers = Object.entries(values ?? {})
    .map(([name, value]) => `${escapeHtml(name)} <b>${figure(value)}</b>`)
    .join(' · ');
  return (
    `<div style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.6">` +
    `<div><b>${escapeHtml(title)}</b> ${whole(done)}/${whole(total)} ${escapeHtml(unit)}s` +
    ` (${Math.floor(Number(percent))} %)${left}</div>${bar}` +
    `${numbers === '' ? '' : `<div>${numbers}</div>`}${sparkline(points, curve)}` +
    `${sample === undefined ? '' : sampleHtml(sample)}</div>`
  );
}

/** Of a height that stays the same, so that what stands below does not jump with each update. */
function sampleHtml(sample: string): string {
  const text = sample.length > MOST_SAMPLE ? `…${sample.slice(1 - MOST_SAMPLE)}` : sample;
  return (
    `<div style="opacity:0.7">newest sample</div>` +
    `<pre style="margin:0;padding:4px 8px;height:8em;overflow:auto;white-space:pre-wrap;background:#8882">` +
    `${escapeHtml(text)}</pre>`
  );
}

/**
 * The curve as an image: HTML that carries SVG itself loses the drawing in notebook converters that clean
 * it, an image does not.
 */
function sparkline(points: readonly number[], name: string): string {
  if (points.length < 2) return '';
  const width = 480;
  const height = 60;
  const low = Math.min(...points);
  const high = Math.max(...points);
  const x = (at: number) => ((at / (points.length - 1)) * (width - 4) + 2).toFixed(1);
  const y = (value: number) =>
    high === low ? height / 2 : height - 3 - ((value - low) / (high - low)) * (height - 6);
  const path = points.map((value, at) => `${x(at)},${y(value).toFixed(1)}`).join(' ');
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<polyline points="${path}" fill="none" stroke="#3178c6" stroke-width="1.5"/></svg>`;
  const data = Buffer.from(svg).toString('base64');
  const alt = `${name} from ${figure(points[0]!)} to ${figure(points.at(-1)!)}`;
  return `<img alt="${escapeHtml(alt)}" title="${escapeHtml(alt)}" src="data:image/svg+xml;base64,${data}">`;
}

/** Share done within 0-1; an empty job is finished. */
function share({ done, total }: ProgressReport): number {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : 1;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Four significant digits. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 10_000) return whole(value);
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** `1:05`, `2:03:10` */
function clock(seconds: number): string {
  const all = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(all / 60);
  return minutes < 60
    ? `${minutes}:${two(all % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(all % 60)}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

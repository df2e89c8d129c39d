/**
 * The browser as one piece of HTML that needs nothing else: no kernel, no network. The first samples stand in it as
 * they are, so that a page that runs no scripts (an untrusted notebook, a preview) shows them; all samples, the filters
 * and the list come compressed with the script that shows them.
 */
import { readFileSync } from 'node:fs';
import { gzipMember } from '../../core/gzip.ts';
import { sha256 } from '../../core/hash.ts';
import { plainTable } from '../../figures/plain.ts';
import { svgDataUri } from '../../figures/svg/markup.ts';
import { ERROR_TYPES, FIRST_ERROR_KINDS } from '../../verify/index.ts';
import type { MimeBundle } from '../display.ts';
import { escapeHtml } from '../html.ts';
import { modeLabel, type SampleView, taskLabel, words } from './detail.ts';
import type { EvaluationIndex } from './evaluation.ts';
import { contextLabel, parseBrowseOptions } from './filters.ts';
import { SAMPLE_VERDICTS, VERDICT_SIGNS } from './verdicts.ts';
import { type BrowserView, type ViewOptions, viewSamples } from './view.ts';

/** Samples that can be read without scripts. */
const STILL = 3;

/** What a notebook shows for samples of an evaluation. */
export function browserBundle(
  evaluation: EvaluationIndex,
  positions: Uint32Array,
  options: Partial<ViewOptions>,
): MimeBundle {
  const { limit } = parseBrowseOptions({});
  const view = viewSamples(evaluation, positions, { limit, ...options });
  return { 'text/html': browserHtml(view), 'text/plain': browserText(view) };
}

/** The same as a page of its own, dark where the reader's system is. */
export function browserPage(view: BrowserView): string {
  const title = escapeHtml(`Samples of ${view.evaluation.folder}`);
  return `<!DOCTYPE html>
<html lang="en" class="interplay-page"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>html.interplay-page{color-scheme:light dark}html.interplay-page body{margin:0}</style></head>
<body>
${browserHtml(view)}
</body></html>
`;
}

/** Root element with style, static part and script. */
export function browserHtml(view: BrowserView): string {
  const style = asset('browser.css');
  const scope = `ib-${sha256(style, 8)}`;
  // The class is named twice in every rule, since front ends style tables by rules as specific as ours would be.
  const still = stillHtml(view);
  const payload = JSON.stringify(payloadOf(view));
  // Equal content, equal id: two copies of one output each find their own root all the same.
  const id = `ib-${sha256(still + payload, 12)}`;
  const script = asset('client.js')
    .replace('__ID__', id)
    .replace('__DATA__', gzipMember(payload).toString('base64'));
  return `<div class="${scope}" data-interplay-browser="${id}" data-lm-suppress-shortcuts="true">
<style>${style.replaceAll('.ib', `.${scope}.${scope}`)}</style>
${still}
<script>${script}</script>
</div>`;
}

/** Files beside this one that go into the page; comments stay behind. */
function asset(name: string): string {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8');
  return text
    .replace(/^\s*\/\*[\s\S]*?\*\/\n/gm, '')
    .replace(/^\s*\/\/.*\n/gm, '')
    .trim();
}

function stillHtml(view: BrowserView): string {
  const samples = view.shown.slice(0, STILL).map(stillSample);
  const rest = view.shown.length - samples.length;
  const more =
    rest > 0
      ? `${rest} more samples and the filters need scripts: trust the notebook, or run the cell again.`
      : 'The filters need scripts: trust the notebook, or run the cell again.';
  const body = view.shown.length === 0 ? '' : `${samples.join('\n')}\n<p class="note">${more}</p>`;
  return `<div class="head"><b>Samples of ${escapeHtml(view.evaluation.folder)}</b><br/>${escapeHtml(shownText(view))}</div>
${totalsHtml(view)}
<div class="app" hidden="hidden"></div>
<div class="still">
${body}
</div>`;
}

/** `60 of 128,000 samples: spread over …`. */
function shownText({ shown, matching, evaluation, how }: BrowserView): string {
  const count = (n: number) => n.toLocaleString('en-US');
  if (matching === 0) return `none of ${count(evaluation.length)} samples passes the filters`;
  const of = matching < evaluation.length ? ` matching (of ${count(evaluation.length)})` : '';
  const problems = new Set(shown.map(({ sample }) => sample.task_id)).size;
  return `${count(shown.length)} of ${count(matching)}${of} samples, of ${count(problems)} ${problems === 1 ? 'problem' : 'problems'}: ${how}`;
}

function totalsHtml({ verdicts, matching }: BrowserView): string {
  const rows = SAMPLE_VERDICTS.map((verdict) => {
    const { sign, label } = VERDICT_SIGNS[verdict];
    const share = matching === 0 ? 0 : verdicts[verdict] / matching;
    const bar = `<span class="bar ${verdict}" style="width:${(120 * share).toFixed(1)}px"></span>`;
    return `<tr><td class="${verdict}">${sign} ${label}</td><td class="number">${verdicts[verdict].toLocaleString('en-US')}</td><td class="number">${(100 * share).toFixed(1)} %</td><td>${bar}</td></tr>`;
  });
  return `<table class="totals"><tbody>${rows.join('')}</tbody></table>`;
}

function stillSample(view: SampleView, i: number): string {
  const { sample, problem, html, graph } = view;
  const { sign, label } = VERDICT_SIGNS[sample.verdict];
  const alternative = escapeHtml(graph.summary.split('\n')[0] ?? '');
  return `<details${i === 0 ? ' open="open"' : ''}><summary><b>${sign} ${label}</b> · ${escapeHtml(taskLabel(sample.task, sample.task_id))} · sample ${sample.sample_index}</summary>
${problem}
${html}
<div class="graph"><img src="${svgDataUri(graph.svg)}" alt="${alternative}" style="max-width:100%;height:auto"/></div>
</details>`;
}

/** What the script gets; its form is known to client.js alone. */
function payloadOf(view: BrowserView): object {
  const problems = new Map<string, { index: number; entry: object }>();
  for (const { sample, problem } of view.shown) {
    if (problems.has(sample.task_id)) continue;
    const { op, template, mode } = sample.task;
    const entry = { id: sample.task_id, op, template, mode, html: problem };
    problems.set(sample.task_id, { index: problems.size, entry });
  }
  const names = (keys: readonly string[], label: (key: string) => string) =>
    keys.map((key) => [key, label(key)]);
  const templates = [...new Set(view.cells.map(([, template]) => template))].sort();
  const modes = [...new Set(view.cells.map(([, , mode]) => mode))].sort().reverse();
  return {
    folder: view.evaluation.folder,
    given: view.given ?? null,
    problems: [...problems.values()].map(({ entry }) => entry),
    samples: view.shown.map(({ sample, html, graph }) => ({
      problem: problems.get(sample.task_id)!.index,
      index: sample.sample_index,
      verdict: SAMPLE_VERDICTS.indexOf(sample.verdict),
      errors: ERROR_TYPES.reduce((mask, type, i) => mask | (sample.errors.includes(type) ? 1 << i : 0), 0),
      firstError:
        sample.first_error === null
          ? FIRST_ERROR_KINDS.length
          : FIRST_ERROR_KINDS.indexOf(sample.first_error.kind),
      html,
      graph: graph.svg,
      summary: graph.summary.split('\n')[0],
      width: graph.width,
    })),
    cells: view.cells,
    ops: [...new Set(view.cells.map(([op]) => op))].sort((a, b) => a - b),
    templates: names(templates, contextLabel),
    modes: names(modes, modeLabel),
    verdicts: SAMPLE_VERDICTS.map((verdict) => [
      verdict,
      VERDICT_SIGNS[verdict].label,
      VERDICT_SIGNS[verdict].sign,
    ]),
    errors: names(ERROR_TYPES, words),
    firstErrors: names([...FIRST_ERROR_KINDS, 'none'], (kind) =>
      kind === 'none' ? 'no failing step' : kind,
    ),
  };
}

/** For front ends without HTML: how many there are of each verdict, and the shown samples a line each. */
export function browserText(view: BrowserView): string {
  const totals = SAMPLE_VERDICTS.map((verdict) => ({
    verdict: VERDICT_SIGNS[verdict].label,
    samples: view.verdicts[verdict],
    share: view.matching === 0 ? Number.NaN : view.verdicts[verdict] / view.matching,
  }));
  const rows = view.shown.map(({ sample }) => ({
    task: sample.task_id,
    sample: sample.sample_index,
    op: sample.op,
    context: contextLabel(sample.template),
    mode: modeLabel(sample.mode),
    verdict: VERDICT_SIGNS[sample.verdict].label,
    'first error':
      sample.first_error === null ? '' : `${sample.first_error.kind} in ${sample.first_error.node}`,
    accuracy: sample.process_accuracy,
  }));
  return [
    `Samples of ${view.evaluation.folder}`,
    shownText(view),
    '',
    plainTable(totals),
    '',
    plainTable(rows),
  ].join('\n');
}

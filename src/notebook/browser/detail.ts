/** One sample for reading: problem, steps against gold, graphs. HTML that reads without its style sheet, too. */
import { drawGraphPair, type GraphFigure } from '../../figures/index.ts';
import type { TaskRecord } from '../../tasks/index.ts';
import { splitGold, splitResponse } from '../../verify/index.ts';
import { Highlighter } from '../highlight.ts';
import { escapeHtml } from '../html.ts';
import { type AlignedKind, type AlignedStep, type Alignment, alignResponse } from './align.ts';
import type { EvaluatedSample } from './evaluation.ts';
import { contextLabel } from './filters.ts';
import { VERDICT_SIGNS } from './verdicts.ts';

/** A sample made ready to be shown. */
export interface SampleView {
  sample: EvaluatedSample;
  alignment: Alignment;
  /** Problem and question, marked. The same for all samples of a task. */
  problem: string;
  /** Verdict, steps and answer, without the graphs. */
  html: string;
  /** Gold and predicted graph. */
  graph: GraphFigure;
}

/** @throws userError GOLD_UNPARSEABLE, GOLD_GRAPH */
export function viewSample(sample: EvaluatedSample): SampleView {
  const { task, response } = sample;
  const alignment = alignResponse(task, response);
  const marks = new Highlighter(alignment.gold.nodes, { numbered: true });
  return {
    sample,
    alignment,
    problem: problemHtml(task, marks),
    html: `${summaryHtml(sample, alignment)}\n${stepsHtml(sample, alignment, marks)}\n${rawHtml(response)}`,
    graph: drawGraphPair(task.graph ?? alignment.gold, alignment.predicted, alignment.comparison, {
      quantities: marks.quantities(),
      width: GRAPH_WIDTH,
    }),
  };
}

/** A notebook's output is about this wide. */
const GRAPH_WIDTH = 1000;

/** `op 4 · zoo · reverse · micro-test-1-17`. */
export function taskLabel(task: TaskRecord, id: string): string {
  return [`op ${task.op}`, contextLabel(task.template), modeLabel(task.mode), id].join(' · ');
}

export function modeLabel(mode: string): string {
  return mode === 'normalforward' ? 'forward' : mode === 'forwardreverse' ? 'reverse' : mode;
}

function problemHtml(task: TaskRecord, marks: Highlighter): string {
  return `<p><b>Problem</b> ${marks.html(task.problem.trim())}</p>
<p><b>Question</b> ${marks.html(task.question.trim())}</p>`;
}

function summaryHtml(sample: EvaluatedSample, { comparison }: Alignment): string {
  const { sign, label } = VERDICT_SIGNS[sample.verdict];
  const right = comparison.nodes.filter((node) => node.parentsRight && node.valueRight).length;
  const first = sample.first_error;
  const facts = [
    `${right} of ${comparison.nodes.length} gold steps right`,
    ...(first === null ? [] : [`first error: ${first.kind} in step ${first.step + 1}`]),
    ...(sample.errors.length === 0 ? [] : [sample.errors.map(words).join(', ')]),
    ...((sample.tokens ?? null) === null ? [] : [`${sample.tokens} tokens`]),
  ];
  const stale =
    comparison.processAccuracy === sample.process_accuracy
      ? ''
      : '<p class="note">The saved verdict is of another version of the verifier than these steps: evaluate with --rescore.</p>';
  return `<p class="summary"><strong class="${sample.verdict}">${sign} ${label}</strong> · ${escapeHtml(facts.join(' · '))}</p>${stale}`;
}

/** `value_mismatch` as `value mismatch`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ');
}

export const STEP_SIGNS: Readonly<Record<AlignedKind, { sign: string; label: string }>> = {
  right: { sign: '✓', label: 'right' },
  wrong: { sign: '✗', label: 'wrong' },
  missing: { sign: '−', label: 'missing' },
  extra: { sign: '+', label: 'extra' },
  text: { sign: '·', label: 'text' },
};

function stepsHtml(sample: EvaluatedSample, alignment: Alignment, marks: Highlighter): string {
  const rows = alignment.steps.map((step) => stepHtml(step, marks));
  const { answer_correct: right, extracted_answer: answer } = sample;
  const gold = splitGold(sample.task.solution).answer;
  const { sign } = STEP_SIGNS[right ? 'right' : 'wrong'];
  const cut = splitResponse(sample.response).ending === '' ? 'the response ends without an answer' : '';
  rows.push(
    rowHtml(right ? 'right' : 'wrong', [
      '',
      `Answer: ${escapeHtml(gold)}`,
      answer === null || answer === '' ? '<i>none</i>' : `Answer: ${escapeHtml(answer)}`,
      `<b>${sign} ${right ? 'right' : 'wrong'}</b>${cut === '' ? '' : ` ${cut}`}`,
    ]),
  );
  return `<table class="steps"><thead><tr><th scope="col">#</th><th scope="col">Gold</th><th scope="col">Response</th><th scope="col">Judged</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`;
}

function stepHtml(step: AlignedStep, marks: Highlighter): string {
  const { kind, number, gold, response, firstError, reasons } = step;
  const { sign, label } = STEP_SIGNS[kind];
  const half = (name: string, right: boolean | undefined) => `${name}\u00a0${right ? '✓' : '✗'}`;
  const halves =
    kind === 'wrong' ? `: ${half('value', step.valueRight)}, ${half('parents', step.parentsRight)}` : '';
  const first = firstError === undefined ? '' : `<b>first error: ${firstError}</b><br/>`;
  const why = reasons.map((reason) => `<br/>${marks.html(reason)}`).join('');
  return rowHtml(firstError === undefined ? kind : `${kind} first`, [
    number === undefined ? '' : String(number),
    gold === undefined ? '' : marks.html(gold),
    response.length === 0 ? '<i>missing</i>' : response.map((text) => marks.html(text)).join('<br/>'),
    `${first}<b>${sign} ${label}</b>${halves}${why}`,
  ]);
}

function rowHtml(kind: string, [number, ...cells]: string[]): string {
  const rest = cells.map((cell) => `<td>${cell}</td>`).join('');
  return `<tr class="step-${kind}"><th scope="row">${number}</th>${rest}</tr>`;
}

function rawHtml(response: string): string {
  return `<details class="raw"><summary>Response as written</summary><pre>${escapeHtml(response)}</pre></details>`;
}

/** Problems and answers for reading: each quantity in its own colour, each step with its verdict. */

import { splitGold, splitResponse, splitSteps } from '../verify/index.ts';
import { Displayable } from './displayable.ts';
import { Highlighter, type NamedNode } from './highlight.ts';
import { escapeHtml, PAPER } from './html.ts';

/** The fields of a task that are shown; records with more fields are fine, a graph is optional. */
export interface ShowableTask {
  problem: string;
  question: string;
  solution: string;
  op?: number;
  template?: string;
  id?: string;
  graph?: { nodes: readonly NamedNode[]; query: string };
}

/** The fields of a verdict that are shown. */
export interface ShowableVerdict {
  extracted_answer?: string | null;
  answer_correct: boolean;
  process_accuracy: number;
  verified: boolean;
  errors?: readonly string[];
  first_error?: { node: string; kind: string } | null;
  report: {
    missing_nodes: readonly string[];
    extra_nodes: readonly string[];
    value_mismatch: readonly string[];
    dependency_mismatch: readonly string[];
  };
}

/** Shows problem, question and solution; a quantity of the gold graph has one colour in all of them. */
export function showTask(task: ShowableTask): Displayable {
  const { steps, answer } = splitGold(task.solution);
  return new Displayable(() => {
    const marks = highlighterOf(task);
    const facts = [
      task.template?.replaceAll('_', ' '),
      task.op === undefined ? undefined : `op ${task.op}`,
      task.id,
    ];
    const about = facts.filter((fact) => fact !== undefined).map((fact) => escapeHtml(String(fact)));
    const items = steps.map(({ text }) => `<li style="margin:2px 0">${marks.html(text)}</li>`).join('\n');
    return {
      'text/html': `<div style="${PAPER}">
${about.length === 0 ? '' : `<div style="color:#5f6368;font-size:12px">${about.join(' · ')}</div>`}
${heading('Problem')}<div>${marks.html(task.problem.trim())}</div>
${heading('Question')}<div>${marks.html(task.question.trim())}</div>
${heading('Solution')}<ol style="margin:0;padding-left:24px">
${items}
</ol>
${heading('Answer')}<div>${escapeHtml(answer)}</div></div>`,
      'text/plain': [
        `Problem: ${task.problem.trim()}`,
        `Question: ${task.question.trim()}`,
        'Solution:',
        ...steps.map(({ text }, i) => `  ${i + 1}. ${text}`),
        `Answer: ${answer}`,
      ].join('\n'),
    };
  });
}

/**
 * Shows a response step by step with its verdict: ✓ right, ✗ wrong (and in what), + not in the gold graph; then
 * the steps that are missing, with their gold text, and the answer.
 */
export function showResponse(task: ShowableTask, response: string, verdict: ShowableVerdict): Displayable {
  const { steps, ending } = splitResponse(response);
  const { steps: goldSteps, answer: expected } = splitGold(task.solution);
  const gold = new Map(goldSteps.map((step) => [step.name, step.text]));
  const rows = steps.map((step) => ({
    ...judgeStep(step.name, verdict),
    text: step.text,
    gold: gold.get(step.name),
  }));
  for (const name of verdict.report.missing_nodes) {
    rows.push({ mark: '−', note: 'missing', text: name, gold: gold.get(name) });
  }
  const answer = verdict.extracted_answer ?? 'none';
  rows.push({
    mark: verdict.answer_correct ? '✓' : '✗',
    note: verdict.answer_correct ? '' : `should be ${expected}`,
    text: `Answer: ${answer}`,
    gold: undefined,
  });
  const summary = `${verdict.verified ? 'verified' : 'not verified'} · process accuracy ${verdict.process_accuracy.toFixed(2)}${
    verdict.first_error ? ` · first error: ${verdict.first_error.kind} in ${verdict.first_error.node}` : ''
  }`;
  return new Displayable(() => {
    const marks = highlighterOf(task);
    const body = rows.map((row) => rowHtml(row, marks)).join('\n');
    const cut =
      ending === ''
        ? '<div style="color:#b3400f;margin-top:4px">The response ends without an answer.</div>'
        : '';
    return {
      'text/html': `<div style="${PAPER}"><div style="font-weight:bold;margin-bottom:6px">${escapeHtml(summary)}</div>
<table style="border-collapse:collapse;margin:0;color:inherit;width:100%"><tbody>
${body}
</tbody></table>${cut}</div>`,
      'text/plain': [
        summary,
        ...rows.map((row) => `${row.mark} ${row.text}${row.note === '' ? '' : `  [${row.note}]`}`),
      ].join('\n'),
    };
  });
}

interface StepRow {
  mark: '✓' | '✗' | '+' | '−' | '·';
  note: string;
  text: string;
  gold: string | undefined;
}

function judgeStep(name: string | undefined, verdict: ShowableVerdict): Pick<StepRow, 'mark' | 'note'> {
  if (name === undefined) return { mark: '·', note: '' };
  const { report } = verdict;
  if (report.extra_nodes.includes(name)) return { mark: '+', note: 'not in the gold graph' };
  const faults = [
    report.dependency_mismatch.includes(name) ? 'wrong parents' : '',
    report.value_mismatch.includes(name) ? 'wrong value' : '',
  ].filter((fault) => fault !== '');
  return faults.length === 0 ? { mark: '✓', note: '' } : { mark: '✗', note: faults.join(', ') };
}

const MARK_COLOURS = {
  '✓': '#007a59',
  '✗': '#b3400f',
  '+': '#9a6500',
  '−': '#5f6368',
  '·': '#5f6368',
} as const;

function rowHtml(row: StepRow, marks: Highlighter): string {
  const colour = MARK_COLOURS[row.mark];
  const cell = 'padding:3px 8px;border:none;text-align:left;vertical-align:top';
  const note =
    row.note === '' ? '' : ` <span style="color:${colour};font-weight:bold">${escapeHtml(row.note)}</span>`;
  const showGold = row.gold !== undefined && (row.mark === '✗' || row.mark === '−');
  const gold = showGold
    ? `<div style="color:#5f6368;font-size:12px">gold: ${escapeHtml(row.gold!)}</div>`
    : '';
  return `<tr style="background:#ffffff"><td style="${cell};width:18px;color:${colour};font-weight:bold">${row.mark}</td><td style="${cell}">${marks.html(row.text)}${note}${gold}</td></tr>`;
}

function highlighterOf(task: ShowableTask): Highlighter {
  if (task.graph !== undefined) return new Highlighter(task.graph.nodes);
  // Records of the reference have no graph; their solution names the same quantities.
  const names = splitSteps(task.solution).flatMap((step) =>
    step.name === undefined ? [] : [{ name: step.name }],
  );
  return new Highlighter(names);
}

function heading(text: string): string {
  return `<div style="font-weight:bold;margin:8px 0 2px">${text}</div>`;
}

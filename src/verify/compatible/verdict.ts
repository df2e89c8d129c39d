/** The reference's verdict and rewards for a response (PAPER §5.3, §6.4). */
import { compareAsReference } from './compare.ts';
import { parseAsReference } from './parse.ts';
import { strip } from './text.ts';
import type { CompatibleGraph, CompatibleReport, CompatibleRewards, CompatibleVerdict } from './types.ts';

/** What the reference needs of a task. */
export interface CompatibleGold {
  graph: CompatibleGraph;
  /** As the composed training text holds it: what follows the last "Answer:", without final dots. */
  answer: string;
}

export function goldOfReference(solution: string): CompatibleGold {
  const at = solution.lastIndexOf('Answer:');
  const answer = at < 0 ? '' : strip(solution.slice(at + 'Answer:'.length));
  return { graph: parseAsReference(solution).graph, answer: withoutDots(answer) };
}

/** The reference's verdict, bit for bit. */
export function verifyAsReference(gold: CompatibleGold, response: string): CompatibleVerdict {
  const extracted = extractAnswerAsReference(response);
  const report = compareAsReference(gold.graph, parseAsReference(response).graph);
  const outcome = gold.answer !== '' && withoutDots(strip(extracted)) === gold.answer ? 1 : 0;
  return {
    extracted_answer: extracted,
    report,
    perfect:
      report.missing_in_pred.length === 0 &&
      report.value_mismatches.length === 0 &&
      report.dependency_mismatches.length === 0 &&
      report.answer_mismatch === null,
    rewards: rewardsAsReference(report, outcome, gold.graph.nodes.size),
  };
}

/**
 * Text of the first `<answer>…</answer>`; else what follows the last `<answer>` up to "<", a line break or the
 * end; else nothing. The last tag is sought in the lower-cased text, whose length can differ, as there.
 */
export function extractAnswerAsReference(text: string): string {
  const open = text.indexOf('<') < 0 ? -1 : text.search(/<an[sſ]wer>/i);
  if (open >= 0) {
    const rest = text.slice(open + '<answer>'.length);
    const close = rest.search(/<\/an[sſ]wer>/i);
    if (close >= 0) return strip(rest.slice(0, close));
  }
  if (text.indexOf('<') < 0) return '';
  const last = text.toLowerCase().lastIndexOf('<answer>');
  if (last < 0) return '';
  const tail = text.slice(last + '<answer>'.length);
  const end = tail.search(/[<\n]/);
  return strip(end < 0 ? tail : tail.slice(0, end));
}

function rewardsAsReference(report: CompatibleReport, outcome: number, goldNodes: number): CompatibleRewards {
  const total = Math.max(goldNodes, 1);
  const penalty =
    report.value_mismatches.length +
    report.dependency_mismatches.length +
    report.missing_in_pred.length +
    Math.min(report.extra_in_pred.length, total) +
    (report.answer_mismatch === null ? 0 : 1);
  const process = Math.max(0, 1 - penalty / total);
  return {
    outcome,
    'a0.2_p0.8': blend(0.2, 0.8, outcome, process),
    'a0.5_p0.5': blend(0.5, 0.5, outcome, process),
    strict: penalty > 0 ? 0 : blend(1, 0, outcome, process),
  };
}

/** Weighted mean, clamped, and nothing for a wrong answer. */
function blend(answerWeight: number, stepWeight: number, outcome: number, process: number): number {
  if (outcome < 1) return 0;
  const sum = answerWeight + stepWeight;
  return Math.max(0, Math.min(1, (answerWeight / sum) * outcome + (stepWeight / sum) * process));
}

function withoutDots(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '.') end--;
  return text.slice(0, end);
}

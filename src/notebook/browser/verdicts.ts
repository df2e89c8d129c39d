/** The one word that says how a sample ended, for filters and lists. */
import type { Verdict } from '../../verify/index.ts';

/**
 * Exclusive, the first that applies: `verified`; `answer_only`, the right answer by a wrong process; then, of those
 * without the right answer, `truncated` (ran into the length limit), `unparsed` (ended, but no step can be read) and
 * `wrong`.
 */
export const SAMPLE_VERDICTS = ['verified', 'answer_only', 'wrong', 'truncated', 'unparsed'] as const;
export type SampleVerdict = (typeof SAMPLE_VERDICTS)[number];

/** How each is shown: a sign of its own, so that no meaning hangs on colour alone. */
export const VERDICT_SIGNS: Readonly<Record<SampleVerdict, { sign: string; label: string }>> = {
  verified: { sign: '✓', label: 'verified' },
  answer_only: { sign: '≈', label: 'right answer, wrong process' },
  wrong: { sign: '✗', label: 'wrong answer' },
  truncated: { sign: '…', label: 'truncated' },
  unparsed: { sign: '?', label: 'unparsed' },
};

export function verdictOfSample(row: Pick<Verdict, 'verified' | 'answer_correct' | 'errors'>): SampleVerdict {
  if (row.verified) return 'verified';
  if (row.answer_correct) return 'answer_only';
  if (row.errors.includes('truncated')) return 'truncated';
  return row.errors.includes('unparsed') ? 'unparsed' : 'wrong';
}

/** What a run on plain text is told beside its settings, and what it gives back. */
import type { Qwen2 } from '../../model/qwen2.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import type { RunOptions } from '../../train/session.ts';
import type { RmtFacts } from './open.ts';

export interface RmtOptions extends RunOptions {
  /** Told what is known of the run before its first step. */
  onStart?: (facts: RmtFacts) => void;
}

/** What a run leaves in memory; the caller owns the model (free it with `disposeQwen2`). */
export interface RmtResult {
  /** Run folder. */
  out: string;
  /** Folder of the last checkpoint, loadable with `loadModel`. */
  checkpoint: string;
  model: Qwen2;
  tokenizer: Tokenizer;
  /** Those before a resume included; tokens of text. */
  steps: number;
  updates: number;
  tokens: number;
  rollouts: number;
  /** Compute spent, by measured lengths. */
  tokenEquivalents: number;
  /** Mean reward of the last step; NaN before the first. */
  reward: number;
  /** Held-out accuracy with thinking before the first step and after the last; NaN where not measured. */
  validationBefore: number;
  validationAfter: number;
  /** Mean of this call's steps; NaN without any. */
  secondsPerStep: number;
  /** False when the run was stopped before its end; `resume` goes on. */
  finished: boolean;
}

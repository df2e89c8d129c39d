/** What a run on plain text is told beside its settings, and what it gives back. */
import type { RunOptions } from '../../train/session.ts';
import type { RlResult } from '../session.ts';
import type { RmtFacts } from './open.ts';

export interface RmtOptions extends RunOptions {
  /** Told what is known of the run before its first step. */
  onStart?: (facts: RmtFacts) => void;
}

/** What a run leaves in memory; validations are held-out accuracy with thinking. */
export interface RmtResult extends RlResult {
  /** Tokens of text, those before a resume included. */
  tokens: number;
}

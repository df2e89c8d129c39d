/** What GRPO and reinforcement mid-training do alike around their steps: log, checkpoints, and what they give back. */
import type { Qwen2 } from '../model/qwen2.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { RunLog, type RunState, removeOldCheckpoints } from '../train/index.ts';
import type { RunSession } from '../train/session.ts';
import { rewindSamples } from './samples.ts';
import { type RlTensors, saveRl } from './state.ts';

/** Where a run stands, as far as its log and its checkpoints ask. */
export type RlState = RunState & {
  /** Step after which the last validation was, −1 before the first. */
  validated: number;
};

/** What a run leaves in memory; the caller owns the model (free it with `disposeQwen2`). */
export interface RlResult {
  /** Run folder. */
  out: string;
  /** Folder of the last checkpoint, loadable with `loadModel`. */
  checkpoint: string;
  model: Qwen2;
  tokenizer: Tokenizer;
  /** Those before a resume included. */
  steps: number;
  updates: number;
  rollouts: number;
  /** Compute spent, by measured lengths. */
  tokenEquivalents: number;
  /** Mean reward of the last step; NaN before the first. */
  reward: number;
  /** Before the first step and after the last; NaN where not measured. */
  validationBefore: number;
  validationAfter: number;
  /** Mean of this call's steps; NaN without any. */
  secondsPerStep: number;
  /** False when the run was stopped before its end; `resume` goes on. */
  finished: boolean;
}

/**
 * The log of a run that begins, or goes on where its checkpoint stands: what was written after it is taken back.
 * @param group name of its curves in TensorBoard
 */
export function openLog<Metrics extends { step: number }, Timing extends { step: number }>(
  { run, resumed, wallTime }: RunSession,
  group: string,
  { tensorboard }: { tensorboard: boolean },
  state: RlState,
): RunLog<Metrics, Timing> {
  const log = new RunLog<Metrics, Timing>(run, tensorboard ? { tensorboard: wallTime, group } : {});
  if (resumed !== undefined) {
    // A checkpoint of a stop during a validation does not have it: the resume validates again.
    const validated = state.validated === state.step;
    log.rewindTo(state.step, (line) => validated || !isValidation(line));
    rewindSamples(run, state.step);
  }
  return log;
}

/** Whether a line of the log is of a validation: of metrics.jsonl, or of timing.jsonl. */
const isValidation = (line: object): boolean =>
  Object.keys(line).some((name) => name === 'validation' || name.startsWith('validation_'));

/** The checkpoints of a run; a state is saved once. */
export class Checkpoints {
  private saved: boolean;

  constructor(
    private readonly run: string,
    private readonly keepLast: number,
    private readonly tensors: RlTensors,
    private readonly tokenizer: Tokenizer,
    private readonly state: RlState,
    /** Folder of the newest; undefined before the first. */
    public latest: string | undefined,
  ) {
    this.saved = latest !== undefined;
  }

  /** To be called when the state or the weights have changed. */
  changed(): void {
    this.saved = false;
  }

  /** Saves where the run stands, unless that is saved already. */
  save(): void {
    if (this.saved) return;
    this.latest = saveRl(this.run, this.tensors, this.tokenizer, this.state);
    this.saved = true;
    removeOldCheckpoints(this.run, this.keepLast, this.state.step);
  }
}

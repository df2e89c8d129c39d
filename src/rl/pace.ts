/** How fast a call of a program goes, from its own steps alone. */
import type { GrpoTiming } from './log.ts';
import type { Phase } from './phases.ts';

export class Pace {
  private steps = 0;
  private seconds = 0;

  /** @param from how much of the run was done when the call began, in the unit of its budget */
  constructor(private readonly from: number) {}

  /** Counts a step that took so many seconds; returns those that are left when `done` of `total` is. */
  step(seconds: number, { done, total }: { done: number; total: number }): number {
    this.steps++;
    this.seconds += seconds;
    return (this.seconds * (total - done)) / (done - this.from);
  }

  /** NaN before the first. */
  get secondsPerStep(): number {
    return this.seconds / this.steps;
  }
}

/** A step's line of timing.jsonl: `taken` as `PhaseClock.take` gives it, and the new tokens of its responses. */
export function stepTiming(
  step: number,
  taken: { seconds: number } & Record<`${Phase}_seconds`, number>,
  responseTokens: number,
  secondsLeft: number,
): GrpoTiming {
  return {
    step,
    ...taken,
    tokens_per_second: responseTokens / taken.seconds,
    rollout_tokens_per_second: responseTokens / taken.rollout_seconds,
    seconds_left: secondsLeft,
    memory_mib: process.memoryUsage.rss() / 2 ** 20,
  };
}

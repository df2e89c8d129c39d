/** Where the time of a step goes. */

/** `other`: drawing and encoding prompts, advantages, files. */
export const PHASES = ['rollout', 'verify', 'score', 'update', 'other'] as const;
export type Phase = (typeof PHASES)[number];

/** Milliseconds by phase; what no phase measured is `other`. */
export class PhaseClock {
  private readonly spent = new Map<Phase, number>();
  private started: number;

  constructor(private readonly clock: () => number) {
    this.started = clock();
  }

  /** Runs work and counts its time. */
  measure<T>(phase: Phase, work: () => T): T {
    const start = this.clock();
    try {
      return work();
    } finally {
      this.spent.set(phase, (this.spent.get(phase) ?? 0) + this.clock() - start);
    }
  }

  /** Seconds since the start, or the last call, in all and by phase; then starts anew. */
  take(): { seconds: number } & Record<`${Phase}_seconds`, number> {
    const now = this.clock();
    const total = now - this.started;
    const measured = [...this.spent.values()].reduce((sum, value) => sum + value, 0);
    const seconds = PHASES.map((phase) => {
      const spent = phase === 'other' ? total - measured : (this.spent.get(phase) ?? 0);
      return [`${phase}_seconds`, spent / 1000] as const;
    });
    this.started = now;
    this.spent.clear();
    return {
      seconds: total / 1000,
      ...(Object.fromEntries(seconds) as Record<`${Phase}_seconds`, number>),
    };
  }
}

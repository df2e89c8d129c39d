/**
 * How much processor time other processes used while we measured. On Linux only (elsewhere nothing is known and no
 * round counts as disturbed).
 */
import { readFileSync } from 'node:fs';

/** A round is disturbed when others used more than this share of one core. */
export const MOST_OTHERS = 0.1;

/** Seconds per tick of /proc: USER_HZ is 100 on every Linux. */
const TICK = 0.01;

/** Counts of rounds, for the report. */
export interface NoiseCount {
  measured: number;
  disturbed: number;
  /** Disturbed rounds that were thrown away and repeated. */
  repeated: number;
}

/** Watches rounds; `pids` are processes that belong to the measurement besides this one. */
export class NoiseMeter {
  readonly count: NoiseCount = { measured: 0, disturbed: 0, repeated: 0 };
  private began: { wall: number; others: number } | undefined;

  constructor(private readonly pids: readonly number[] = []) {}

  start(): void {
    this.began = { wall: performance.now() / 1000, others: this.others() };
  }

  /** Ends the round: true when others disturbed it. */
  disturbed(): boolean {
    const wall = performance.now() / 1000 - this.began!.wall;
    const used = this.others() - this.began!.others;
    this.count.measured++;
    // Each of the clocks compared is only exact to a tick, so a short round proves little.
    const disturbed = used > MOST_OTHERS * wall + 3 * TICK;
    if (disturbed) this.count.disturbed++;
    return disturbed;
  }

  /** One line for people. */
  summary(): string {
    if (Number.isNaN(this.others())) return 'noise: not known on this platform';
    const { measured, disturbed, repeated } = this.count;
    return (
      `noise: in ${disturbed} of ${measured} rounds others used more than ${100 * MOST_OTHERS} % of a core; ` +
      `${repeated} repeated, ${disturbed - repeated} kept`
    );
  }

  /** Processor seconds of everybody else since the machine started. */
  private others(): number {
    const { user, system } = process.cpuUsage();
    const theirs = this.pids.reduce((sum, pid) => sum + processSeconds(pid), 0);
    return machineSeconds() - (user + system) / 1e6 - theirs;
  }
}

/** Busy seconds of all cores: user, nice, system, interrupts, and what the host took (steal). */
function machineSeconds(): number {
  const text = read('/proc/stat');
  const fields = text?.slice(0, text.indexOf('\n')).trim().split(/\s+/).slice(1).map(Number);
  if (fields === undefined) return Number.NaN;
  const [user, nice, system, , , interrupts, soft, stolen] = fields;
  return (user! + nice! + system! + (interrupts ?? 0) + (soft ?? 0) + (stolen ?? 0)) * TICK;
}

/** User and system seconds of a process with all its threads (fields 14 and 15 of its stat); 0 when it is gone. */
function processSeconds(pid: number): number {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return 0;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // from field 3
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

function read(path: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // The process has ended, or /proc is not there.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

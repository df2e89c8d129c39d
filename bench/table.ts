/** One line of a benchmark's table; what has no peer or no limit has null there. */
export interface BenchmarkRow {
  work: string;
  ours: number;
  unit: string;
  peer: number | null;
  peer_name: string | null;
  /** ours / peer. */
  ratio: number | null;
  limit: number | null;
}

/** Options of `npm run bench`, for the benchmarks that have a choice. */
export interface BenchmarkOptions {
  /** Model configuration; undefined is the benchmark's default. */
  config?: string;
  /** Also gives a table by kernel. */
  profile?: boolean;
  /** How many training steps `memory` runs and `loop` takes in a turn, how many tasks `unique` draws. */
  steps?: number;
  /** How many tasks `generate` draws in each round, and `evaluate` evaluates. */
  tasks?: number;
}

/** What a benchmark gives back: its rows, and text for people (not part of the JSON). */
export interface BenchmarkReport {
  rows: BenchmarkRow[];
  /** Remarks on the measurement, such as how much others disturbed it. */
  notes?: string[];
  /** Further tables, already laid out. */
  tables?: string[];
  /** False when what was measured breaks a promise; the process then ends with status 1. */
  passed?: boolean;
}

/** A row from a measurement of ours and, where there is one, the peer's and its name. */
export function row(
  work: string,
  unit: string,
  ours: number,
  peer: { value: number; name: string } | undefined,
  limit: number | null,
): BenchmarkRow {
  return {
    work,
    ours,
    unit,
    peer: peer?.value ?? null,
    peer_name: peer?.name ?? null,
    ratio: peer === undefined ? null : ours / peer.value,
    limit,
  };
}

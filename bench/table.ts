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
  config?: string;
}

/** What the public reference's parser, comparison and rewards give; names and shapes are the reference's. */

/** A solution step as the reference sees it. */
export interface CompatibleStep {
  parameter_name: string;
  variable: string;
  raw_body: string;
  expressions: string[];
  value: number | null;
  dependencies: Set<string>;
}

export interface CompatibleNode {
  name: string;
  variable: string;
  value: number | null;
  dependencies: Set<string>;
}

/** Nodes by name, in the order in which their names first appeared. */
export interface CompatibleGraph {
  nodes: Map<string, CompatibleNode>;
  answer: number | null;
}

export interface CompatibleSolution {
  steps: CompatibleStep[];
  preamble: string;
  graph: CompatibleGraph;
}

export interface CompatibleReport {
  missing_in_pred: string[];
  extra_in_pred: string[];
  /** [name, gold, predicted] */
  value_mismatches: [string, number | null, number | null][];
  dependency_mismatches: { name: string; gold: string[]; pred: string[] }[];
  /** [gold, predicted] */
  answer_mismatch: [number | null, number | null] | null;
}

/** The four reward recipes of the reference (PAPER §5.3). */
export interface CompatibleRewards {
  outcome: number;
  'a0.2_p0.8': number;
  'a0.5_p0.5': number;
  strict: number;
}

export interface CompatibleVerdict {
  extracted_answer: string;
  report: CompatibleReport;
  /** The evaluator's verdict: no defect; extra nodes are allowed. */
  perfect: boolean;
  rewards: CompatibleRewards;
}

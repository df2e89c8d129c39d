/** Shapes that the verifier reads and writes. Keys of {@link Verdict} are those of the record contract. */
import type { ReferenceTask, TaskGraph } from '../tasks/types.ts';
import type { CompatibleVerdict } from './compatible/types.ts';

/** What verification needs of a task: its gold solution, and its gold graph when the record has one. */
export type VerifiableTask = Pick<ReferenceTask, 'solution'> & { graph?: TaskGraph };

/** A node of the gold graph; a {@link TaskGraph} node is one. */
export interface GoldNode {
  name: string;
  value: number;
  dependencies: readonly string[];
}

/** The gold graph in solution order. A {@link TaskGraph} is one; a parsed gold solution gives one too. */
export interface GoldGraph {
  nodes: readonly GoldNode[];
  query: string;
  answer: number;
}

/**
 * An expression in postfix order. A number ≥ 0 is a literal; negative numbers are operators, letters and
 * references to bindings (see expression.ts). Null: what stood there is no expression.
 */
export type Expression = readonly number[] | null;

/** `L = P + Q = 2 + 3 = 5`: at least two sides. */
export interface Equation {
  sides: Expression[];
  /** Index of the binding that the first side defines, or -1 when the equation only states something. */
  target: number;
  /** Index of the side that says what the target is made from, or -1. */
  source: number;
}

/** Something a letter stands for: a node (`name` set), or an intermediate result within one step. */
export interface Binding {
  name: string | null;
  letter: string;
}

/** One `Define NAME as L; …` of a solution. */
export interface PredictedStep {
  name: string;
  letter: string;
  /** Index into {@link PredictedGraph.bindings}. */
  binding: number;
  equations: Equation[];
}

/** One quantity of a solution, by its first definition. */
export interface PredictedNode {
  name: string;
  letter: string;
  /** What the step says in the end, with x replaced by its solution; null: it says no number. */
  value: number | null;
  /** Names of the parents, in the order of their definition. */
  dependencies: string[];
  /** Letters it was made from that stood for nothing when they were used. */
  undefinedLetters: string[];
  /** Index of the defining step. */
  step: number;
  /** A later step defines the same name with another value or other parents. */
  contradicted: boolean;
}

/**
 * What a solution text says. `nodes` is acyclic: a letter means what it stood for when it was used, so parents
 * are always defined earlier.
 */
export interface PredictedGraph {
  nodes: PredictedNode[];
  steps: PredictedStep[];
  bindings: Binding[];
  /** As written; null: none found. */
  answerText: string | null;
  /** Null: none found, or not a number. */
  answer: number | null;
  /** The answer's closing tag is absent: the text may have been cut inside the number. */
  answerUnclosed: boolean;
}

/** Error types of a response, not exclusive (PAPER §8). */
export const ERROR_TYPES = [
  'missing_nodes',
  'extra_nodes',
  'value_mismatch',
  'dependency_mismatch',
  'answer_mismatch',
  'unparsed',
  'truncated',
] as const;
export type ErrorType = (typeof ERROR_TYPES)[number];

/** Kinds of the first failing step, exclusive; defined in compare.ts and docs/metrics.md. */
export const FIRST_ERROR_KINDS = ['reading', 'arithmetic', 'dependency', 'missing'] as const;
export type FirstErrorKind = (typeof FIRST_ERROR_KINDS)[number];

export interface FirstError {
  /** Index of the node in the gold graph's order, counted from 0. */
  step: number;
  node: string;
  kind: FirstErrorKind;
}

/** Names of the nodes per kind of defect. */
export interface ErrorReport {
  missing_nodes: string[];
  extra_nodes: string[];
  value_mismatch: string[];
  dependency_mismatch: string[];
}

/** Rewards after the paper's equations (§2 eq. 3 and A.4); composite is keyed by α. */
export interface Rewards {
  outcome: number;
  process: number;
  composite: { '0.2': number; '0.5': number };
  strict: number;
}

/** What is added to a response row. */
export interface Verdict {
  extracted_answer: string | null;
  answer_correct: boolean;
  /** At least one step was found. */
  parsed: boolean;
  /** Share of gold nodes that are predicted with equal parents and equal value. */
  process_accuracy: number;
  /** Process accuracy 1 and the right answer. */
  verified: boolean;
  errors: ErrorType[];
  first_error: FirstError | null;
  report: ErrorReport;
  rewards: Rewards;
  compatible: CompatibleVerdict;
}

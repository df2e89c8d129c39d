/**
 * Predicted graph against gold graph, by names; letters do not matter.
 *
 * Paper A.4: s(v) = 1 iff v is predicted, its parent set equals the gold's, and both values are defined and
 * equal; ProcessAcc is the mean of s over gold nodes. Here a step that uses a letter that stands for nothing has
 * another parent set, and a value is defined only if the step that gives it is sound: every equation written in
 * it holds when its parents have their gold values. (The paper looks at the last number only, so that
 * `P + Q = 2 + 9 = 5` would pass.) Judging each step under gold inputs keeps an error with the step that made
 * it: a later step that copies a right number stays right.
 */

import { bindingOf, DIVIDE, evaluate, hasLetters, hasUndefined, NEGATE } from './expression.ts';
import type { IndexedGold } from './gold.ts';
import { bindingValues } from './solution.ts';
import type {
  Binding,
  Equation,
  ErrorReport,
  Expression,
  FirstError,
  FirstErrorKind,
  GoldNode,
  PredictedGraph,
  PredictedNode,
} from './types.ts';

/** Values of the tasks are integers; the tolerance is the reference's and leaves room for divisions. */
export const VALUE_TOLERANCE = 1e-6;

export interface NodeComparison {
  name: string;
  /** Absent from the prediction: null. */
  predicted: PredictedNode | null;
  parentsRight: boolean;
  /** The value equals the gold's and its step is sound. */
  valueRight: boolean;
  /** Every equation of the step holds under gold inputs, and they do not contradict each other. */
  sound: boolean;
  /** The step works its value out to a number (in a reverse problem, to an expression in its unknown). */
  stated: boolean;
}

export interface Comparison {
  /** One per gold node, in gold order. */
  nodes: NodeComparison[];
  /** Predicted names that gold does not have, in the order of their definition. */
  extra: string[];
  /** Mean of s(v) over gold nodes, 0–1. */
  processAccuracy: number;
  report: ErrorReport;
  firstError: FirstError | null;
}

/** Compares a prediction with the gold graph of its task. Pure. */
export function compare(gold: IndexedGold, predicted: PredictedGraph): Comparison {
  const byName = new Map<string, PredictedNode>();
  const extra: string[] = [];
  for (const node of predicted.nodes) {
    byName.set(node.name, node);
    if (!gold.index.has(node.name)) extra.push(node.name);
  }
  const judged = new JudgedSteps(gold, predicted);
  const report: ErrorReport = {
    missing_nodes: [],
    extra_nodes: extra,
    value_mismatch: [],
    dependency_mismatch: [],
  };
  let right = 0;
  let firstError: FirstError | null = null;
  const nodes = gold.graph.nodes.map((goldNode, i): NodeComparison => {
    const node = byName.get(goldNode.name) ?? null;
    const comparison = compareNode(goldNode, gold.parents[i]!, node, judged);
    if (node === null) report.missing_nodes.push(goldNode.name);
    else if (!comparison.parentsRight) report.dependency_mismatch.push(goldNode.name);
    if (node !== null && !comparison.valueRight) report.value_mismatch.push(goldNode.name);
    if (node !== null && comparison.parentsRight && comparison.valueRight) right++;
    else firstError ??= { step: i, node: goldNode.name, kind: kindOf(comparison) };
    return comparison;
  });
  return { nodes, extra, processAccuracy: right / gold.graph.nodes.length, report, firstError };
}

function compareNode(
  { name, value }: GoldNode,
  goldParents: ReadonlySet<string>,
  node: PredictedNode | null,
  judged: JudgedSteps,
): NodeComparison {
  if (node === null) {
    return { name, predicted: null, parentsRight: false, valueRight: false, sound: false, stated: false };
  }
  const sound = judged.isSound(node);
  const stated = judged.isStated(node);
  const parentsRight =
    node.undefinedLetters.length === 0 &&
    node.dependencies.length === goldParents.size &&
    node.dependencies.every((name) => goldParents.has(name));
  const valueRight = sound && stated && near(node.value!, value);
  return { name, predicted: node, parentsRight, valueRight, sound, stated };
}

/**
 * Kind of a failing step. `missing`: it is not there, or it says no number. `dependency`: it uses other
 * quantities than the problem says. Otherwise its inputs are the right ones and its value is wrong: `reading`
 * when its own equations hold (another constant or operation than the problem says, well calculated),
 * `arithmetic` when one of them does not, or when the text says two things about the node.
 */
function kindOf({ predicted, parentsRight, sound, stated }: NodeComparison): FirstErrorKind {
  if (predicted === null) return 'missing';
  if (!parentsRight) return 'dependency';
  if (!stated) return 'missing';
  return sound ? 'reading' : 'arithmetic';
}

/** What is wrong with steps, by their index. */
class JudgedSteps {
  /** An equation does not hold when named nodes have their gold values, or two say different values. */
  private readonly unsound: Uint8Array;
  /** The value is not worked out: its last side is `p + q` or `2 + 3` instead of a number. */
  private readonly silent: Uint8Array;
  /** Names about which something false is said in steps of no account. */
  private slandered: Set<string> | null = null;
  private readonly repeats: boolean;

  constructor(
    gold: IndexedGold,
    private readonly predicted: PredictedGraph,
  ) {
    const { steps, bindings } = predicted;
    this.unsound = new Uint8Array(steps.length);
    this.silent = new Uint8Array(steps.length);
    this.repeats = steps.length > predicted.nodes.length;
    // Values may be expressions in the unknown of a reverse problem, and in no other letter.
    const last = gold.graph.nodes[gold.graph.nodes.length - 1]!.name;
    const unknown = gold.graph.query === last ? null : gold.graph.query;
    /** The step whose own value was said last, and that value. */
    let speaking = -1;
    let said = 0;
    bindingValues(
      predicted,
      (name) => {
        const i = gold.index.get(name);
        return i === undefined ? Number.NaN : gold.graph.nodes[i]!.value;
      },
      (equation, index, values) => {
        const { sides, target, source } = equation;
        const { name, binding } = steps[index]!;
        if (!holds(equation, values)) {
          this.unsound[index] = 1;
          if (target < 0 && !gold.index.has(name)) this.slander(sides, bindings);
        }
        if (target !== binding) return;
        const result = sides[sides.length - 1]!;
        if (!isWorkedOut(result, bindings, unknown)) this.silent[index] = 1;
        const value = evaluate(result, values);
        if (speaking === index && !near(said, value) && !refersTo(sides[source] ?? null, binding)) {
          this.unsound[index] = 1;
        }
        speaking = index;
        said = value;
      },
    );
  }

  isSound(node: PredictedNode): boolean {
    if (node.contradicted || this.slandered?.has(node.name)) return false;
    return this.repeats ? !this.some(this.unsound, node.name) : this.unsound[node.step] === 0;
  }

  isStated(node: PredictedNode): boolean {
    if (node.value === null) return false;
    return this.repeats ? !this.some(this.silent, node.name) : this.silent[node.step] === 0;
  }

  /** Whether any step of the name is flagged. */
  private some(flags: Uint8Array, name: string): boolean {
    return this.predicted.steps.some((step, i) => flags[i] === 1 && step.name === name);
  }

  /** A false statement counts against what it is about, also where it stands in a step of no account. */
  private slander(sides: readonly Expression[], bindings: readonly Binding[]): void {
    this.slandered ??= new Set();
    for (const side of sides) {
      for (const code of side ?? []) {
        const binding = bindingOf(code);
        if (binding >= 0 && bindings[binding]!.name !== null) this.slandered.add(bindings[binding]!.name!);
      }
    }
  }
}

/** `t + q` refers to a running value t. */
function refersTo(side: Expression, binding: number): boolean {
  if (side !== null) for (const code of side) if (bindingOf(code) === binding) return true;
  return false;
}

/** A number, a fraction of two, or an expression in the unknown alone. */
function isWorkedOut(side: Expression, bindings: readonly Binding[], unknown: string | null): boolean {
  if (side === null) return false;
  if (side.length === 1 && side[0]! >= 0) return true;
  if (!hasLetters(side)) {
    const [first, second, third] = side;
    if (side.length === 2) return first! >= 0 && second === NEGATE;
    return side.length === 3 && first! >= 0 && second! >= 0 && third === DIVIDE;
  }
  if (unknown === null) return false;
  for (const code of side) {
    if (code > -100) continue;
    const binding = bindingOf(code);
    if (binding < 0 || bindings[binding]!.name !== unknown) return false;
  }
  return true;
}

/**
 * Whether all sides say the same number. What an assignment defines is its target, not a side; where it takes
 * its parents from, an undefined letter is a matter of dependency, not of arithmetic.
 */
function holds({ sides, target, source }: Equation, values: Float64Array): boolean {
  let said = Number.NaN;
  for (let i = target >= 0 ? 1 : 0; i < sides.length; i++) {
    const side = sides[i]!;
    if (i === source && hasUndefined(side)) continue;
    const value = evaluate(side, values);
    if (!Number.isFinite(value)) return false;
    if (Number.isNaN(said)) said = value;
    else if (!near(value, said)) return false;
  }
  return true;
}

/** NaN is near nothing. */
function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= VALUE_TOLERANCE;
}

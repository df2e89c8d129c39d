/** The reference's comparison of two graphs (PAPER §6.4): by names, values within a tolerance. */
import { byCodePoint } from './text.ts';
import type { CompatibleGraph, CompatibleReport } from './types.ts';

/** The reference's default. */
const TOLERANCE = 1e-6;

/** Defects of `predicted` against `gold`; lists are ordered by name. */
export function compareAsReference(gold: CompatibleGraph, predicted: CompatibleGraph): CompatibleReport {
  const report: CompatibleReport = {
    missing_in_pred: [],
    extra_in_pred: [],
    value_mismatches: [],
    dependency_mismatches: [],
    answer_mismatch: null,
  };
  for (const name of predicted.nodes.keys()) if (!gold.nodes.has(name)) report.extra_in_pred.push(name);
  for (const [name, node] of gold.nodes) {
    const other = predicted.nodes.get(name);
    if (other === undefined) {
      report.missing_in_pred.push(name);
      continue;
    }
    if (differ(node.value, other.value)) report.value_mismatches.push([name, node.value, other.value]);
    if (!sameSet(node.dependencies, other.dependencies)) {
      report.dependency_mismatches.push({
        name,
        gold: [...node.dependencies].sort(byCodePoint),
        pred: [...other.dependencies].sort(byCodePoint),
      });
    }
  }
  report.missing_in_pred.sort(byCodePoint);
  report.extra_in_pred.sort(byCodePoint);
  report.value_mismatches.sort((a, b) => byCodePoint(a[0], b[0]));
  report.dependency_mismatches.sort((a, b) => byCodePoint(a.name, b.name));
  if (differ(gold.answer, predicted.answer)) report.answer_mismatch = [gold.answer, predicted.answer];
  return report;
}

/** Two missing values are equal here, unlike in the paper. */
function differ(a: number | null, b: number | null): boolean {
  if (a === null || b === null) return a !== b;
  return Math.abs(a - b) > TOLERANCE;
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const name of a) if (!b.has(name)) return false;
  return true;
}

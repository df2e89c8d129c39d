/** Op counts as a user writes them. */
import { userError } from '../core/errors.ts';

/**
 * `2-10`, `2,4,6-8`, or numbers: sorted, without repeats.
 * @throws OPS_INVALID
 */
export function parseOps(ops: string | readonly number[]): number[] {
  const found = new Set<number>();
  const invalid = (got: string) =>
    userError('OPS_INVALID', 'op counts like 2-10 or 2,4,6-8', `'${got}'`, 'correct them');
  const add = (op: number, source: string): void => {
    if (!Number.isSafeInteger(op) || op < 0 || op > 1000) throw invalid(source);
    found.add(op);
  };
  if (typeof ops === 'string') {
    for (const part of ops.split(',')) {
      const match = /^\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?$/.exec(part);
      if (!match) throw invalid(ops);
      const low = Number(match[1]);
      const high = Number(match[2] ?? match[1]);
      if (low > high) throw invalid(ops);
      for (let op = low; op <= high; op++) add(op, ops);
    }
  } else for (const op of ops) add(op, ops.join(','));
  if (found.size === 0) throw invalid(String(ops));
  return [...found].sort((a, b) => a - b);
}

/**
 * One op count, as a key of weights.
 * @throws OPS_INVALID
 */
export function parseOp(op: string): number {
  const ops = parseOps(op);
  if (ops.length === 1) return ops[0]!;
  throw userError('OPS_INVALID', 'one op count for each weight', `'${op}'`, 'give each op its own weight');
}

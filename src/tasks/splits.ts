/**
 * Splits of the fingerprint space. A task belongs to the split that its gold graph's fingerprint falls into, so
 * no graph of one split can occur in another, whatever the seeds, counts, contexts and wordings.
 */
import { userError } from '../core/errors.ts';

/** Shares by name, in the order in which they lie in fingerprint space; normalised. */
export type Splits = Readonly<Record<string, number>>;

export const DEFAULT_SPLITS: Splits = { train: 0.8, val: 0.1, test: 0.1 };

/**
 * Where the fingerprint space is cut. The smallest ops have few graphs (8 at op 2 in the paper's world), which
 * most cuts leave wholly in one split; this one gives every split some at every op of both preset worlds
 * (test/tasks/splits.test.ts counts them).
 */
const CUT = 26325;

/** One split as a half-open interval [low, high) of the unit interval. */
export interface SplitInterval {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  /** Whether it is the last of the splits, the one that held-out kinds belong to. */
  readonly last: boolean;
}

/**
 * Names and shares of sum 1, in order.
 * @throws SPLIT_SHARES
 */
export function splitShares(splits: Splits): [name: string, share: number][] {
  const entries = Object.entries(splits);
  const total = entries.reduce((sum, [, share]) => sum + share, 0);
  const wrong = entries.find(([, share]) => !(share > 0 && Number.isFinite(share)));
  if (entries.length === 0 || wrong !== undefined || !Number.isFinite(total)) {
    throw userError(
      'SPLIT_SHARES',
      'one or more splits with positive, finite shares',
      wrong === undefined ? JSON.stringify(splits) : `${wrong[1]} for ${wrong[0]}`,
      wrong === undefined ? 'name a split' : `give ${wrong[0]} a positive share or leave it out`,
    );
  }
  return entries.map(([name, share]) => [name, share / total]);
}

/**
 * The interval of split `name`.
 * @throws SPLIT_UNKNOWN, SPLIT_SHARES
 */
export function splitInterval(splits: Splits, name: string): SplitInterval {
  const shares = splitShares(splits);
  let low = 0;
  for (const [i, [other, share]] of shares.entries()) {
    const last = i === shares.length - 1;
    const high = last ? 1 : low + share;
    if (other === name) return { name, low, high, last };
    low = high;
  }
  const names = Object.keys(splits).join(', ');
  throw userError('SPLIT_UNKNOWN', `a split of ${names}`, `'${name}'`, `use one of ${names}`);
}

/** Whether a fingerprint lies in the split. */
export function inSplit(interval: SplitInterval, words: readonly [number, number]): boolean {
  const at = position(words);
  return at >= interval.low && at < interval.high;
}

/** Uniform in [0, 1) over fingerprints. */
function position([high, low]: readonly [number, number]): number {
  let h = Math.imul(high ^ CUT, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ low, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x27d4eb2f);
  return ((h ^ (h >>> 15)) >>> 0) / 0x100000000;
}

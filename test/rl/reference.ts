/**
 * The objective written out naively, as the papers and verl state it: nested means over responses and tokens, min and
 * max instead of cases, float64 throughout. Shares no code with src/; it is what the objective's value and, by central
 * differences, its derivatives are compared with.
 */
import type { Objective } from '../../src/rl/options.ts';

/** Everything by response and token. */
export interface PlainBatch {
  current: number[][];
  entropies: number[][];
  old: number[][];
  oldEntropies: number[][];
  reference: number[][];
  advantages: number[][];
  mask: number[][];
}

const bounded = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
const within = (x: number, limit: number | null): number => (limit === null ? x : bounded(x, -limit, limit));

function plainKl(logP: number, logRef: number, { kl }: Objective): number {
  if (kl.estimator === 'k1') return logP - logRef;
  if (kl.estimator === 'abs') return Math.abs(logP - logRef);
  if (kl.estimator === 'k2') return 0.5 * (logRef - logP) ** 2;
  const x = within(logRef - logP, kl.log_ratio_limit);
  return within(Math.exp(x) - x - 1, kl.limit);
}

/** verl's compute_policy_loss for one token. */
function plainPolicy(logRatio: number, a: number, { clip }: Objective): number {
  const ratio = Math.exp(within(logRatio, clip.log_ratio_limit));
  const loss = Math.max(-a * ratio, -a * bounded(ratio, 1 - clip.low, 1 + clip.high));
  return clip.dual !== null && a < 0 ? Math.min(loss, -a * clip.dual) : loss;
}

/** The tokens in the loss, as (response, token). */
function tokensOf({ mask }: PlainBatch): [number, number][] {
  return mask.flatMap((row, i) => row.flatMap((m, t) => (m === 0 ? [] : [[i, t] as [number, number]])));
}

function aggregate(term: (i: number, t: number) => number, batch: PlainBatch, objective: Objective): number {
  const tokens = tokensOf(batch);
  const sumOf = (list: [number, number][]): number => list.reduce((sum, [i, t]) => sum + term(i, t), 0);
  if (objective.aggregation === 'token_mean') return sumOf(tokens) / tokens.length;
  const responses = [...new Set(tokens.map(([i]) => i))];
  const perResponse = responses.map((response) => {
    const own = tokens.filter(([i]) => i === response);
    if (objective.aggregation === 'seq_mean_token_mean') return sumOf(own) / own.length;
    return objective.aggregation === 'seq_mean_token_sum'
      ? sumOf(own)
      : sumOf(own) / objective.const_norm_length!;
  });
  return perResponse.reduce((a, b) => a + b, 0) / responses.length;
}

/** Whether a token is among the share of highest entropy: fewer than that share are above it. */
function inTop(i: number, t: number, batch: PlainBatch, share: number): boolean {
  const all = tokensOf(batch).map(([j, u]) => batch.oldEntropies[j]![u]!);
  const above = all.filter((h) => h > batch.oldEntropies[i]![t]!).length;
  return above < Math.ceil(share * all.length);
}

/** The loss; `klIn` reward adds nothing here. */
export function plainLoss(batch: PlainBatch, objective: Objective): number {
  const logRatio = (i: number, t: number): number => {
    if (objective.ratio === 'token') return batch.current[i]![t]! - batch.old[i]![t]!;
    const own = tokensOf(batch).filter(([j]) => j === i);
    return own.reduce((sum, [, u]) => sum + (batch.current[i]![u]! - batch.old[i]![u]!) / own.length, 0);
  };
  const policy = (i: number, t: number): number =>
    inTop(i, t, batch, objective.entropy.top_quantile)
      ? plainPolicy(logRatio(i, t), batch.advantages[i]![t]!, objective)
      : 0;
  const { kl, entropy } = objective;
  let loss = aggregate(policy, batch, objective);
  if (kl.beta > 0 && kl.in === 'loss') {
    loss +=
      kl.beta *
      aggregate(
        (i, t) => plainKl(batch.current[i]![t]!, batch.reference[i]![t]!, objective),
        batch,
        objective,
      );
  }
  return loss - entropy.bonus * aggregate((i, t) => batch.entropies[i]![t]!, batch, objective);
}

/** Rows that figure tests and the gallery share: made up, with the shape of real results. */

/** pass@k by op: 1/(1 + e^(op − 5)) for k = 1, rising with k. */
export const byOp = [2, 3, 4, 5, 6, 7, 8].flatMap((op) =>
  [1, 4, 16].map((k) => {
    const p = (0.94 / (1 + Math.exp((op - 5.2) * 1.1))) ** (1 / k ** 0.45);
    const value = Math.round(p * 1e4) / 1e4;
    return {
      op,
      k,
      value,
      low: Math.max(0, value - 0.06),
      high: Math.min(1, value + 0.05),
      n: 60,
      verifier: 'verified',
    };
  }),
);

export const byRange = (
  [
    ['op 2–4 (trained)', 0.8],
    ['op 5–6 (edge)', 0.35],
    ['op 7–8 (hard)', 0.03],
  ] as const
).flatMap(([range, first]) =>
  [1, 2, 4, 8, 16, 32, 64, 128].map((k) => {
    const value = Math.round((1 - (1 - first) ** (k ** 0.6)) * 1e4) / 1e4;
    return { range, k, value, low: Math.max(0, value - 0.07), high: Math.min(1, value + 0.07), n: 120 };
  }),
);

const TYPES = [
  'correct',
  'missing_nodes',
  'dependency_mismatch',
  'value_mismatch',
  'extra_nodes',
  'answer_mismatch',
  'unparsed',
];

export const errors = [2, 3, 4, 5, 6, 7, 8].flatMap((op) =>
  TYPES.map((type, i) => {
    const share =
      i === 0
        ? Math.round((0.95 / (1 + Math.exp(op - 5))) * 1e3) / 1e3
        : Math.min(0.9, 0.018 * (7 - i) * (op - 1));
    return {
      op,
      type,
      share,
      low: Math.max(0, share - 0.04),
      high: Math.min(1, share + 0.04),
      n: 60,
      samples: 960,
    };
  }),
);

/** 1,200 steps with held-out loss every 150, and a warm-up with cosine. */
export const training = Array.from({ length: 1200 }, (_, i) => {
  const step = i + 1;
  const wobble = 0.16 * (((step * 7919) % 101) / 101 - 0.5);
  const loss =
    Math.round((0.35 + 5 * Math.exp(-step / 60) + 0.8 * Math.exp(-step / 450) + wobble) * 1e4) / 1e4;
  const learning_rate = 1e-3 * Math.min(1, step / 100) * (0.5 + 0.5 * Math.cos((Math.PI * step) / 1200));
  return {
    step,
    tokens: step * 8192,
    loss,
    learning_rate,
    ...(step % 150 === 0 ? { validation_loss: Math.round((loss + 0.03 - wobble) * 1e4) / 1e4 } : {}),
  };
});

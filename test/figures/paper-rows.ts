/** Made-up rows for the figures of the paper, with the shape and the rough size of real results. */
const round = (value: number) => Math.round(value * 1e4) / 1e4;
const share = (value: number) => round(Math.min(1, Math.max(0, value)));
const within = (value: number, half: number) => ({ low: share(value - half), high: share(value + half) });
export const KS = [1, 2, 4, 8, 16, 32, 64, 128];
const RUNS = ['Base', 'RL op 7–10', 'RL op 9–12', 'RL op 11–14', 'RL op 17–20'];
const RANGES = [
  ['id', 0.82],
  ['edge', 0.2],
  ['hard', 0.01],
] as const;

/** Chance that one of k is right where one is with chance p, problems being unequal. */
const atK = (p: number, k: number) => share(1 - (1 - p) ** (k ** 0.55));

export const byRun = RUNS.flatMap((run, r) =>
  RANGES.flatMap(([range, p], s) =>
    KS.map((k) => {
      const value = atK(Math.min(0.95, p + [0, 0.01, 0.06, 0.16, 0.01][r]! * (s === 0 ? 0.2 : 1)), k);
      return { run, range, k, value, ...within(value, 0.03 + 0.02 * value), n: 400, verifier: 'verified' };
    }),
  ),
);

export const exposures = ['0 %', '0.1 %', '1 %', '10 %'].flatMap((exposure, e) =>
  Array.from({ length: 19 }, (_, i) => i + 2).flatMap((op) => {
    const value = share([0.01, 1.4 - 0.42 * op, 1.05 - 0.021 * op, 1.07 - 0.018 * op][e]!);
    return [1, 128].map((k) => {
      const own = k === 1 ? share(value * 0.6) : value;
      return { exposure, op, k, value: own, ...within(own, 0.04), n: 100 };
    });
  }),
);

export const midTraining = ['Mid + RL', 'RL only'].flatMap((run, r) =>
  [15, 16, 17, 18, 19, 20].map((op, i) => {
    const value = share((r === 0 ? 0.78 : 0.63) * Math.exp(-0.5 * i));
    return { run, op, k: 128, value, ...within(value, 0.05), n: 100 };
  }),
);

export const similarity = ['0.1 % B', '1 % B', '10 % B'].flatMap((exposure, e) =>
  RANGES.flatMap(([range], r) => {
    const weights = Array.from({ length: 20 }, (_, bin) => {
      const at = (bin + 0.5) / 20;
      const centre = 0.97 - 0.12 * r - 0.04 * e * r;
      return at < 0.2 ? 0 : Math.exp(-(((at - centre) / (0.1 + 0.05 * r)) ** 2)) + 0.002;
    });
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight, bin) => {
      const samples = Math.round((weight / sum) * 2000);
      return {
        exposure,
        range,
        bin_low: bin / 20,
        bin_high: (bin + 1) / 20,
        samples,
        share: round(weight / sum),
      };
    });
  }),
);

export const allocations = ['Full mid', 'Full RL', 'Light RL', 'Heavy RL'].flatMap((allocation, a) =>
  (
    [
      ['edge', [11, 12, 13, 14]],
      ['hard', [15, 16, 17, 18, 19, 20]],
    ] as const
  ).flatMap(([range, ops]) =>
    ops.flatMap((op) =>
      [1, 128].map((k) => {
        const p = Math.exp(-(op - 11) / [3, 3.6, 4, 4.4][a]!) * [0.6, 0.5, 0.64, 0.56][a]!;
        const value = k === 1 ? share(p) : atK(p, 24);
        return { allocation, range, op, k, value, ...within(value, 0.03), n: 200 };
      }),
    ),
  ),
);

export const REWARDS = [
  '1.0 outcome',
  '0.2 outcome + 0.8 process',
  '0.5 outcome + 0.5 process',
  'strict outcome',
];
export const rewards = REWARDS.flatMap((reward, r) =>
  (
    [
      ['op 2–14', 1, 0.7074, [0, 0.047, 0.046, 0.052]],
      ['op 2–14', 128, 0.947, [0, 0, -0.001, 0.003]],
      ['op 15–20', 1, 0.056, [0, 0.043, 0.034, 0.041]],
      ['op 15–20', 128, 0.232, [0, 0.045, 0.03, 0.026]],
    ] as const
  ).map(([range, k, base, gains]) => {
    const value = round(base + gains[r]!);
    return { reward, range, k, value, ...within(value, 0.018), n: 600 };
  }),
);

export const errorGrid = ['Base model', '1.0 outcome', '0.2 outcome + 0.8 process', 'strict outcome'].flatMap(
  (reward, r) =>
    (
      [
        ['edge', [0.24, 0.38, 0.44, 0.46], [0.74, 0.6, 0.52, 0.5], [0.12, 0.08, 0.05, 0.05]],
        ['hard', [0.01, 0.06, 0.1, 0.1], [0.97, 0.93, 0.88, 0.88], [0.14, 0.12, 0.08, 0.09]],
      ] as const
    ).flatMap(([range, correct, dependency, missing]) =>
      Object.entries({
        correct,
        dependency_mismatch: dependency,
        missing_nodes: missing,
        value_mismatch: correct,
      }).map(([type, shares]) => ({
        reward,
        range,
        type,
        share: shares[r]!,
        ...within(shares[r]!, 0.02),
        n: 400,
        samples: 51_200,
      })),
    ),
);

const STEPS = [5000, 8000, 11_000, 14_000, 17_000, 20_000];
export const alongTraining = [
  ...RANGES.map(([range, p]) => ({ range, p })),
  ...[11, 12, 13, 14].map((op, i) => ({ op, p: 0.45 / (i + 1) ** 2 })),
].flatMap(({ p, ...place }) =>
  STEPS.flatMap((step, s) =>
    KS.map((k) => {
      const value = atK(p * (0.35 + 0.65 * (1 - Math.exp(-s / 2))), k);
      return { step, ...place, k, value, ...within(value, 0.02), n: 200, verifier: 'verified' };
    }),
  ),
);

export const nll = ['op 7–10', 'op 9–12', 'op 11–14', 'op 17–20'].flatMap((run, r) =>
  Array.from({ length: 19 }, (_, i) => i + 2).map((op) => {
    const [from, to] = [
      [7, 10],
      [9, 12],
      [11, 14],
      [17, 20],
    ][r]! as [number, number];
    const distance = Math.max(0, from - op, op - to);
    const value = round(
      [0.006, 0.018, 0.034, 0.004][r]! * Math.exp(-distance / 6) * Math.max(0, op - 3.5) * 0.25 - 0.0015,
    );
    const low = round(value - 0.002);
    return { run, op, value, low, high: round(value + 0.002), n: 200, trained: op >= from && op <= to };
  }),
);

/** 200 steps of RL per run: reward that rises to `top`, lengths that grow from `length`. */
export const rlRuns = (runs: readonly (readonly [run: string, top: number, length: number])[]) =>
  runs.flatMap(([run, top, length]) =>
    Array.from({ length: 40 }, (_, i) => {
      const step = 1 + 5 * i;
      const wobble = ((i * 37) % 101) / 101 - 0.5;
      return {
        run,
        step,
        reward: share(top * (0.55 + 0.45 * (1 - Math.exp(-step / 60))) + 0.02 * wobble * (top > 0 ? 1 : 0)),
        response_length: round(length * (1 + 0.1 * (1 - Math.exp(-step / 80))) + 3 * wobble),
        n: 6144,
      };
    }),
  );

export const ratios = ['Base', '0 %', '2 %', '10 %', '50 %', '100 %'].flatMap((ratio, r) =>
  (
    [
      ['crazy_zootopia', [0.75, 0.82, 0.83, 0.82, 0.81, 0.74]],
      ['teachers_in_school', [0.2, 0.22, 0.3, 0.42, 0.46, 0.48]],
    ] as const
  ).flatMap(([context, first]) =>
    KS.map((k) => {
      const value = atK(first[r]!, k);
      return { ratio, context, k, value, ...within(value, 0.025), n: 380 };
    }),
  ),
);

export const hardRatios = ['Base', 'RL'].flatMap((run, r) =>
  (
    [
      ['id', [0.99, 0.99, 0.985, 0.985, 0.98], [-0.017, -0.005, -0.011, -0.007, -0.004]],
      ['edge', [0.12, 0.2, 0.5, 0.4, 0.45], [0.29, 0.292, 0.166, 0.453, 0.42]],
      ['hard', [0.01, 0.02, 0.04, 0.06, 0.08], [0.059, 0.104, 0.221, 0.18, 0.258]],
    ] as const
  ).flatMap(([range, base, gains]) =>
    [0.1, 5, 20, 33.3, 50].map((hard_ratio, i) => {
      const value = round(base[i]! + r * gains[i]!);
      return { run, range, hard_ratio, k: 128, value, ...within(value, 0.02), n: 400 };
    }),
  ),
);

export const budgets = [1.048576e9, 2.097152e9, 4.194304e9, 8.388608e9, 16.777216e9, 20e9].flatMap(
  (budget, b) =>
    [0, 0.2, 0.5, 0.8, 1].flatMap((rl_share, s) =>
      (['edge', 'hard'] as const).flatMap((range) =>
        [1, 128].map((k) => {
          const rise = [0.0, 0.035, 0.03, 0.02, -0.01][s]! + 0.01 * b;
          const base = { edge: { 1: 0.51, 128: 0.87 }, hard: { 1: 0.03, 128: 0.13 } }[range][k as 1 | 128];
          const value = round(base + rise * (range === 'hard' && k === 1 ? 0.4 : 1));
          return { budget, rl_share, range, k, value, ...within(value, 0.012), n: 600 };
        }),
      ),
    ),
);

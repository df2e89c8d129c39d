/** The paper's tables: models, data recipes, budgets. */
import { PAPER_BUDGETS, PAPER_ROLLOUTS, splitBudget } from '../../analysis/index.ts';
import { type ModelConfig, parameterCount, resolveModelConfig } from '../../model/config.ts';
import { loadMixture, type Mixture, resolveMixture } from '../../tasks/index.ts';
import { FigureTable, grouped } from './table.ts';

/**
 * Table 1: sizes of models. `models`: configurations by name (default the paper's, `paper-100m`); they come one per row.
 */
export function table1(
  models: Readonly<Record<string, ModelConfig>> = { 'paper-100m': resolveModelConfig('paper-100m') },
): FigureTable {
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    { title: 'model' },
    ...[
      'layers',
      'hidden',
      'MLP',
      'query heads',
      'KV heads',
      'vocabulary',
      'positions',
      'parameters',
      'without embedding',
    ].map(right),
  ];
  const rows = Object.entries(models).map(([name, config]) => {
    const { total, nonEmbedding } = parameterCount(config);
    const numbers = [
      config.num_hidden_layers,
      config.hidden_size,
      config.intermediate_size,
      config.num_attention_heads,
      config.num_key_value_heads,
      config.vocab_size,
      config.max_position_embeddings,
      total,
      nonEmbedding,
    ];
    return [name, ...numbers.map(grouped)];
  });
  return new FigureTable('Models', 'Qwen2-style decoders; a tied embedding is counted once', columns, rows);
}

/** A recipe of {@link table2}. */
export interface DataRecipe {
  /** Section of the paper, or name of an experiment. */
  experiment: string;
  stage: string;
  /** Name in datasets/mixtures.json, or a mixture. */
  mixture: string | Mixture;
  /** Tokens or prompts. */
  amount: string;
}

/** The paper's recipes (its Table 2), by the names of datasets/mixtures.json. */
export const PAPER_RECIPES: readonly DataRecipe[] = [
  ...recipe('§3 extrapolation', 'pre-training', ['paper-pretrain'], '10 B tokens'),
  ...recipe(
    '§3 extrapolation',
    'RL',
    ['op7-10', 'op9-12', 'op11-14', 'op17-20'].map((op) => `paper-rl-${op}`),
    '204.8k prompts',
  ),
  ...recipe(
    '§4 contexts',
    'pre-training',
    ['0b', '0.1b', '1b', '10b'].map((b) => `paper-context-pretrain-${b}`),
    '10 B tokens',
  ),
  ...recipe('§4 contexts', 'RL', ['paper-context-rl'], '204.8k prompts'),
  ...recipe('§5 mid-training', 'mid-training', ['paper-midtrain'], 'Table 3'),
  ...recipe('§6 rewards', 'RL', ['paper-rl-op11-14'], '204.8k prompts'),
  ...recipe('A.6.1', 'pre-training', ['paper-a6.1-pretrain'], '10 B tokens'),
  ...recipe(
    'A.6.1',
    'RL',
    ['0b', '2b', '10b', '50b', '100b'].map((b) => `paper-a6.1-rl-${b}`),
    '204.8k prompts',
  ),
  ...recipe('A.6.2', 'pre-training', ['paper-a6.2-pretrain'], '10 B tokens'),
  ...recipe(
    'A.6.2',
    'RL',
    ['0b', '1b', '10b', '50b', '100b'].map((b) => `paper-a6.2-rl-${b}`),
    '204.8k prompts',
  ),
  ...recipe(
    'A.7 hard ratio',
    'pre-training',
    ['0.1', '5', '20', '33.3', '50'].map((h) => `paper-a7-pretrain-${h}hard`),
    '10 B tokens',
  ),
  ...recipe('A.7 hard ratio', 'RL', ['paper-rl-op11-14'], '204.8k prompts'),
];

function recipe(
  experiment: string,
  stage: string,
  mixtures: readonly string[],
  amount: string,
): DataRecipe[] {
  return mixtures.map((mixture) => ({ experiment, stage, mixture, amount }));
}

/** Table 2: what models are trained on, a row per recipe. @throws MIXTURE_UNKNOWN and the errors of a mixture */
export function table2(recipes: readonly DataRecipe[] = PAPER_RECIPES): FigureTable {
  const titles = ['experiment', 'stage', 'mixture', 'ops', 'contexts', 'amount'];
  const rows = recipes.map(({ experiment, stage, mixture, amount }) => {
    const opened = typeof mixture === 'string' ? loadMixture(mixture) : mixture;
    const name = typeof mixture === 'string' ? mixture : (mixture.name ?? 'own');
    return [experiment, stage, name, ...describeMixture(opened), amount];
  });
  const caption =
    'Shares of tokens in pre- and mid-training, of prompts in RL; contexts: A zoo, B school, C festival';
  return new FigureTable(
    'Data recipes',
    caption,
    titles.map((title) => ({ title })),
    rows,
  );
}

const LETTERS: Readonly<Record<string, string>> = {
  crazy_zootopia: 'A',
  teachers_in_school: 'B',
  movie_festival_awards: 'C',
};

/** Shares of ranges of op and of contexts, as `20 % op 2–4 + 80 % op 5` and `90 % A + 10 % B`. */
export function describeMixture(mixture: Mixture): [ops: string, contexts: string] {
  const cells = resolveMixture(mixture);
  const contexts = sums(cells, ({ context }) => LETTERS[context.name] ?? context.name);
  // Contexts that differ in their ops are told apart; others share one list.
  const lists = [...contexts.keys()].map((letter) => {
    const own = cells.filter(({ context }) => (LETTERS[context.name] ?? context.name) === letter);
    const total = own.reduce((sum, { weight }) => sum + weight, 0);
    return { letter, ops: rangesOf(sums(own, ({ op }) => op, 1 / total)) };
  });
  const same = lists.every(({ ops }) => ops === lists[0]!.ops);
  const ops = same ? lists[0]!.ops : lists.map(({ letter, ops: own }) => `${letter}: ${own}`).join('; ');
  const shares = [...contexts].sort(([a], [b]) => a.localeCompare(b));
  const equal = shares.length > 2 && shares.every(([, share]) => Math.abs(share * shares.length - 1) < 1e-9);
  const letters = shares.map(([letter]) => letter);
  if (equal) return [ops, `${letters.join(', ')} equally`];
  return [ops, shares.map(([letter, share]) => `${percent(share)} ${letter}`).join(' + ')];
}

function sums<T, K>(
  items: readonly (T & { weight: number })[],
  key: (item: T) => K,
  scale = 1,
): Map<K, number> {
  const totals = new Map<K, number>();
  for (const item of items) totals.set(key(item), (totals.get(key(item)) ?? 0) + item.weight * scale);
  return totals;
}

/** Neighbouring ops with (nearly) one weight are a range. */
function rangesOf(weights: ReadonlyMap<number, number>): string {
  const ops = [...weights].sort(([a], [b]) => a - b);
  const ranges: { from: number; to: number; each: number; share: number }[] = [];
  for (const [op, weight] of ops) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === op - 1 && Math.abs(last.each / weight - 1) < 0.02) {
      last.to = op;
      last.share += weight;
    } else ranges.push({ from: op, to: op, each: weight, share: weight });
  }
  const name = ({ from, to }: { from: number; to: number }) =>
    from === to ? `op ${from}` : `op ${from}–${to}`;
  if (ranges.length === 1) return name(ranges[0]!);
  return ranges.map((range) => `${percent(range.share)} ${name(range)}`).join(' + ');
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}

/** Table 3: what budgets buy. `budgets` in tokens (default the paper's seven); costs as {@link splitBudget}'s defaults. */
export function table3(budgets: readonly number[] = PAPER_BUDGETS): FigureTable {
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    'T (B)',
    'mid only: steps',
    'RL only: steps',
    'RL only: prompts (k)',
    '80/20: mid, RL steps',
    '50/50: mid, RL steps',
    '20/80: mid, RL steps',
  ].map(right);
  const rows = budgets.map((tokens) => {
    const split = (share: number) => splitBudget(tokens, share);
    const pair = (share: number) => `${grouped(split(share).mid_steps)}, ${grouped(split(share).rl_steps)}`;
    return [
      (tokens / 1e9).toFixed(2),
      grouped(split(0).mid_steps),
      grouped(split(1).rl_steps),
      (split(1).rl_prompts / 1000).toFixed(1),
      pair(0.2),
      pair(0.5),
      pair(0.8),
    ];
  });
  const { rollouts, length } = PAPER_ROLLOUTS;
  const caption = `Token equivalents T_RL = (5/3)·N·r·L with r = ${rollouts} rollouts of L = ${grouped(length)} tokens; steps of 524,288 tokens and of 1,024 prompts`;
  return new FigureTable('Budgets', caption, columns, rows);
}

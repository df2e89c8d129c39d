/**
 * The comparison of this folder's README, step by step: one base per seed, every method of mid-training from it at equal
 * token equivalents, the same GRPO on top of each. Settings are the JSON files beside this one. What a run folder already
 * has is read and not repeated, so that everything here can be stopped and called again.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileAtomically } from '../../src/core/files.ts';
import { readJsonFile } from '../../src/core/json.ts';
import {
  type ChosenTokens,
  canonicalJson,
  chooseTokens,
  createTaskSource,
  disposeQwen2,
  type EntropyBin,
  type Evaluation,
  entropyHistogram,
  evaluate,
  type GrpoInput,
  grpo,
  type LoadedModel,
  loadModel,
  lossWeights,
  type NextTokenAccuracy,
  nextTokenAccuracy,
  type PretrainInput,
  type PretrainResult,
  type ProgressSink,
  predictChosen,
  pretrain,
  type RmtInput,
  rmt,
  sha256,
  trainingText,
} from '../../src/index.ts';

/** Ways to spend the budget, in the order of figures and tables; each has its settings in a file of this name. */
export const METHODS = ['continued', 'tpt', 'remit', 'rpt', 'rmt', 'rlp'] as const;
/** RMT without one of its parts; they get no GRPO. */
export const ABLATIONS = ['rmt-no-budget', 'rmt-no-curriculum', 'rmt-no-next-token'] as const;
/** The common start, the methods and the ablations. */
export const MODELS = ['base', ...METHODS, ...ABLATIONS] as const;
export type Method = (typeof METHODS)[number] | (typeof ABLATIONS)[number];
export type ModelName = (typeof MODELS)[number];

/** How they are called in figures and tables. */
export const TITLES: Record<ModelName, string> = {
  base: 'base',
  continued: 'next token',
  tpt: 'TPT',
  remit: 'ReMiT',
  rpt: 'RPT',
  rmt: 'RMT',
  rlp: 'RLP',
  'rmt-no-budget': 'RMT, no budget',
  'rmt-no-curriculum': 'RMT, no curriculum',
  'rmt-no-next-token': 'RMT, no next token',
};

export interface Experiment {
  /** Folder of the runs; one below it per seed. */
  out: string;
  seed: number;
  /** `quick` only checks that everything runs. */
  quick?: boolean;
  progress?: (title: string) => ProgressSink;
}

/** Where a run is, and whether it has been begun; a quick one with other settings replaces what is there. */
const where = ({ out, seed, quick = false, progress }: Experiment, name: string) => {
  const folder = join(out, `seed-${seed}`, name);
  return {
    out: folder,
    resume: !quick && existsSync(join(folder, 'config.json')),
    overwrite: quick,
    ...(progress === undefined ? {} : { progress: progress(`seed ${seed}: ${name}`) }),
  };
};

/** Settings of this folder. */
export const settingsOf = (name: ModelName | 'grpo'): Record<string, unknown> =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`${name}.json`, import.meta.url)), 'utf8')) as Record<
    string,
    unknown
  >;

/**
 * The checkpoint of a run: begun, gone on with, or, where it is known to be finished with these settings, without
 * opening the run again, so that other processes may read it meanwhile.
 */
async function once<Settings extends object>(
  experiment: Experiment,
  name: string,
  settings: Settings,
  run: (settings: Settings, options: ReturnType<typeof where>) => Promise<Finished>,
): Promise<string> {
  const hash = sha256(canonicalJson(settings), 16);
  const file = join(experiment.out, `seed-${experiment.seed}`, `${name}.json`);
  const known = existsSync(file)
    ? (readJsonFile(file, 'finished run') as { settings: string; checkpoint: string })
    : undefined;
  if (known?.settings === hash) return known.checkpoint;
  const { model, checkpoint, finished } = await run(settings, where(experiment, name));
  disposeQwen2(model);
  if (!finished) throw new Error(`${name} was stopped; the same call goes on`);
  writeFileAtomically(file, `${JSON.stringify({ settings: hash, checkpoint })}\n`);
  return checkpoint;
}

type Finished = Pick<PretrainResult, 'model' | 'checkpoint' | 'finished'>;

/** The base: pre-trained on texts with thoughts inside. Returns its checkpoint. */
export function trainBase(experiment: Experiment): Promise<string> {
  const { seed, quick } = experiment;
  const small = {
    tokenizer: { vocabulary: 512, tasks: 300 },
    validation: { tasks: 10 },
    tokens: 20_000,
    validate_every: 0,
  };
  const settings = { ...settingsOf('base'), ...(quick ? small : {}), seed } as PretrainInput;
  return once(experiment, 'base', settings, pretrain);
}

/** A method of mid-training from the base. Returns its checkpoint. */
export async function trainMethod(experiment: Experiment, method: Method): Promise<string> {
  const { seed, quick } = experiment;
  const init = await trainBase(experiment);
  const given = {
    ...settingsOf(method),
    init,
    seed,
    ...(quick ? { budget: { token_equivalents: 8_000 } } : {}),
  };
  if ('preset' in given) {
    const { positions, thinking_budget: thinking } = given as unknown as Partial<Record<string, object>>;
    const small = {
      positions: { ...positions, per_step: 4 },
      ...(thinking === undefined ? {} : { thinking_budget: { ...thinking, initial: 16 } }),
      group_size: 2,
      max_response_tokens: 24,
      batch_tokens: 512,
      validation: { tasks: 4, positions: 3, every: 0 },
    };
    return once(experiment, method, { ...given, ...(quick ? small : {}) } as RmtInput, rmt);
  }
  // ReMiT learns from the base tuned by GRPO, whose cost is not counted.
  const remit = method === 'remit' ? { remit: { reference: await tune(experiment, 'base') } } : {};
  const small = { validation: { tasks: 10 } };
  return once(experiment, method, { ...given, ...remit, ...(quick ? small : {}) } as PretrainInput, pretrain);
}

/** The checkpoint of the base or a method. */
export const train = (experiment: Experiment, name: ModelName): Promise<string> =>
  name === 'base' ? trainBase(experiment) : trainMethod(experiment, name);

/** GRPO on top of a model. Returns the checkpoint. */
export async function tune(experiment: Experiment, name: ModelName): Promise<string> {
  const { seed, quick } = experiment;
  const init = await train(experiment, name);
  const small = { prompts_per_step: 2, group_size: 2, steps: 1, max_response_tokens: 24 };
  const settings = { ...settingsOf('grpo'), ...(quick ? small : {}), init, seed } as unknown as GrpoInput;
  return once(experiment, `grpo-${name}`, settings, grpo);
}

/** Edges of easy, medium and hard, nats: those of every method's settings. */
export const DIFFICULTY = { by: 'entropy', least: 0.05, edges: [0.3, 0.8], most: 2.5 } as const;

/** The held-out tokens that all models of a seed predict; chosen by the entropy of its base. */
export async function heldOut(experiment: Experiment): Promise<ChosenTokens> {
  const { seed, quick } = experiment;
  const base = loadModel(await trainBase(experiment));
  try {
    return chooseTokens(base, heldOutTexts(seed, quick ? 6 : 300), {
      ...DIFFICULTY,
      among: 'solution',
      perBucket: quick ? 5 : 200,
      maxResponseTokens: quick ? 24 : 128,
      seed,
    });
  } finally {
    disposeQwen2(base.model);
  }
}

/** Texts that no method has seen: the graphs of the test split. */
export const heldOutTexts = (seed: number, count: number): string[] =>
  createTaskSource({ world: 'micro', contexts: ['zoo'], ops: '3-5', split: 'test', seed })
    .take(count)
    .map(trainingText);

/** Budget that a thought is announced with when a model is judged: the last one of its training, or none. */
export function lastBudget(name: ModelName): number | undefined {
  const { thinking_budget: budget } = settingsOf(name) as {
    thinking_budget?: { initial: number; gamma: number };
  };
  return budget && budget.initial * budget.gamma;
}

/** What a model says about held-out tokens. */
export interface TokenMeasures {
  /** Greedy predictions at once and after thinking. */
  accuracy: NextTokenAccuracy;
  /** Shares of all tokens of the held-out solutions by entropy. */
  entropies: EntropyBin[];
}

/** Measures a model on the held-out tokens, its thoughts behind a budget or none; kept beside the runs. */
export async function measureTokens(
  experiment: Experiment,
  name: ModelName,
  budget = lastBudget(name),
): Promise<TokenMeasures> {
  const { out, seed, quick } = experiment;
  const file = join(
    out,
    `seed-${seed}`,
    `tokens-${name}${budget === lastBudget(name) ? '' : `-${budget}`}.json`,
  );
  if (!quick && existsSync(file)) return readJsonFile(file, 'measures') as TokenMeasures;
  const tokens = await heldOut(experiment);
  const found = await withModel(await train(experiment, name), async (loaded): Promise<TokenMeasures> => {
    const { model, tokenizer } = loaded;
    const predicted = await predictChosen(loaded, tokens, budget === undefined ? {} : { budget });
    if (predicted === undefined) throw new Error('stopped');
    const texts = heldOutTexts(seed, quick ? 6 : 300).map((text) => tokenizer.encode(text));
    const among = lossWeights('solution', tokenizer);
    return {
      accuracy: nextTokenAccuracy(predicted, seed),
      entropies: entropyHistogram(model, texts, { among, bins: 24, to: 4.8, seed }),
    };
  });
  writeFileAtomically(file, `${JSON.stringify(found)}\n`);
  return found;
}

export const RANGES = { 'op 3': [3, 3], 'op 4': [4, 4], all: [3, 4] } as const;
export const SAMPLES = 8;

const solved = new Map<string, Evaluation>();

/** pass@k of a model on new problems, before GRPO or after. */
export async function solve(
  experiment: Experiment,
  name: ModelName,
  stage: 'mid' | 'grpo',
): Promise<Evaluation> {
  const key = `${where(experiment, name).out} ${stage}`;
  const known = solved.get(key);
  if (known !== undefined) return known;
  const { seed, quick } = experiment;
  const checkpoint = await (stage === 'mid' ? train : tune)(experiment, name);
  const tasks = ['3', '4'].flatMap((ops) =>
    createTaskSource({ world: 'micro', contexts: ['zoo'], ops, split: 'test', seed }).take(quick ? 2 : 80),
  );
  const { out, overwrite, progress } = where(experiment, `evaluation-${stage}-${name}`);
  const evaluation = await withModel(checkpoint, (loaded) =>
    evaluate(loaded, tasks, {
      out,
      overwrite,
      samples: quick ? 2 : SAMPLES,
      temperature: 1,
      maxTokens: quick ? 24 : 320,
      ranges: RANGES,
      seed,
      ...(progress === undefined ? {} : { progress }),
    }),
  );
  if (evaluation.finished) solved.set(key, evaluation);
  return evaluation;
}

async function withModel<T>(folder: string, work: (loaded: LoadedModel) => Promise<T>): Promise<T> {
  const loaded = loadModel(folder);
  try {
    return await work(loaded);
  } finally {
    disposeQwen2(loaded.model);
  }
}

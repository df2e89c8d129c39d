/**
 * The rollouts of a step: groups of responses to each prompt, judged and paid. Under dynamic sampling groups without
 * signal are replaced by groups of further prompts, in bounded rounds. What is sampled is a function of (weights, seed,
 * step, round, place); neither slots nor batch size change it.
 */
import { isCancelled } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import type { Qwen2 } from '../model/qwen2.ts';
import { type Prompt, type Sample, type SampleSettings, sampleBatched } from '../sample/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type Verdict, verify } from '../verify/index.ts';
import type { GrpoConfig } from './config.ts';
import type { DynamicSamplingOptions } from './options.ts';
import { overlongPenalty } from './overlong.ts';
import type { PhaseClock } from './phases.ts';
import type { Recipe, RlPrompt } from './recipes.ts';
import type { RunRewards } from './rewards.ts';
import { hasSignal } from './signal.ts';
import type { Rollout } from './types.ts';

/** A rollout with its verdict and what it was paid. */
export interface JudgedRollout extends Rollout {
  sampleIndex: number;
  /** Text of the response. */
  text: string;
  /** The sampler's log p of each token, at temperature 1. */
  sampled: Float32Array;
  verdict: Verdict;
  /** Reward before length shaping, and its parts. */
  score: number;
  parts: Record<string, number>;
}

/** All responses to one prompt. */
export interface RolloutGroup {
  round: number;
  index: number;
  prompt: RlPrompt;
  rollouts: JudgedRollout[];
  /** Not all responses are alike in what dynamic sampling looks at, or in reward without it. */
  signal: boolean;
}

/** What a step sampled. */
export interface StepRollouts {
  /** In the order of rounds and places. */
  groups: RolloutGroup[];
  /** Those that are trained on: all of them, or under dynamic sampling the first with signal. */
  trained: RolloutGroup[];
  /** Batches of prompts that were sampled. */
  rounds: number;
}

/** What collecting needs besides the weights. */
export interface RolloutContext {
  model: Qwen2;
  tokenizer: Tokenizer;
  config: GrpoConfig;
  recipe: Recipe;
  rewards: RunRewards;
  phases: PhaseClock;
}

/**
 * Samples and judges the groups of a step; undefined when the surrounding job was cancelled meanwhile.
 * @param step steps made before this one
 * @param stage range of the curriculum
 * @throws DYNAMIC_SAMPLING when the rounds are used up and the settings say so; REWARD_VALUE, RL_PROMPTS
 */
export async function collectRollouts(
  context: RolloutContext,
  step: number,
  stage: number,
): Promise<StepRollouts | undefined> {
  const { config, recipe } = context;
  const wanted = config.prompts_per_step;
  const dynamic = config.objective.dynamic_sampling;
  const groups: RolloutGroup[] = [];
  for (let round = 0; ; round++) {
    const missing = wanted - (dynamic === null ? groups : withSignal(groups)).length;
    const prompts = Array.from({ length: missing }, (_, index) => recipe.at({ stage, step, round, index }));
    const sampled = await sampleGroups(context, prompts, step, round);
    if (sampled === undefined) return undefined;
    groups.push(...sampled);
    const rounds = round + 1;
    if (dynamic === null) return finish(groups, groups, rounds);
    const useful = withSignal(groups);
    if (useful.length >= wanted) return finish(groups, useful, rounds);
    if (rounds < dynamic.max_batches) continue;
    if (dynamic.on_exhausted === 'error') throw exhausted(wanted, useful.length, groups.length, dynamic);
    return finish(groups, useful, rounds);
  }
}

const withSignal = (groups: readonly RolloutGroup[]) => groups.filter(({ signal }) => signal);

/** Numbers the groups that are trained on; the others get −1. */
function finish(groups: RolloutGroup[], trained: RolloutGroup[], rounds: number): StepRollouts {
  trained.forEach(({ rollouts }, group) => {
    for (const rollout of rollouts) rollout.group = group;
  });
  return { groups, trained, rounds };
}

/** One batch of prompts, each with its group; undefined when cancelled. */
async function sampleGroups(
  { model, tokenizer, config, rewards, phases }: RolloutContext,
  prompts: readonly RlPrompt[],
  step: number,
  round: number,
): Promise<RolloutGroup[] | undefined> {
  // Named by their place: the same draws for whatever task stands there.
  const keyed = prompts.map(
    ({ text }, index): Prompt => ({ key: `rollout ${step} ${round} ${index}`, text }),
  );
  const samples = sampleBatched(model, tokenizer, keyed, sampling(config));
  const groups: RolloutGroup[] = [];
  for (;;) {
    const { done, value } = phases.measure('rollout', () => samples.next());
    if (done) break;
    const index = value[0]!.prompt;
    const prompt = prompts[index]!;
    groups[index] = phases.measure('verify', () => {
      const rollouts = value.map((sample) => judge(prompt, sample, config, rewards));
      return { round, index, prompt, rollouts, signal: signalOf(rollouts, config) };
    });
    await new Promise<void>((resolve) => setImmediate(resolve)); // lets displays, Stop and other work through
  }
  if (isCancelled()) return undefined;
  return groups;
}

function sampling(config: GrpoConfig): SampleSettings {
  return {
    samples: config.group_size,
    temperature: config.temperature,
    topP: config.top_p,
    topK: config.top_k,
    maxTokens: config.max_response_tokens,
    seed: config.seed,
    slots: config.slots,
  };
}

function judge(prompt: RlPrompt, sample: Sample, config: GrpoConfig, rewards: RunRewards): JudgedRollout {
  const truncated = sample.stopReason === 'length';
  const { task } = prompt;
  // Frozen: a reward function that writes into it would change what the run measures.
  const verdict = Object.freeze(verify(task, sample.response, { truncated }));
  const judged = { task, response: sample.response, tokens: sample.tokens, truncated };
  const { score, parts } = rewards.pay(verdict, judged);
  const { overlong } = config.objective;
  return {
    group: -1,
    prompt: prompt.ids,
    response: sample.ids,
    truncated,
    reward: score + overlongPenalty(sample.tokens, truncated, overlong),
    sampleIndex: sample.sampleIndex,
    text: sample.response,
    sampled: sample.logProbabilities,
    verdict,
    score,
    parts,
  };
}

/** Whether responses differ in what dynamic sampling looks at; in reward without it. */
function signalOf(rollouts: readonly JudgedRollout[], config: GrpoConfig): boolean {
  const metric = config.objective.dynamic_sampling?.metric ?? 'reward';
  return hasSignal(
    rollouts.map(({ score, reward, verdict }) => {
      if (metric === 'outcome') return verdict.rewards.outcome;
      return metric === 'score' ? score : reward;
    }),
  );
}

function exhausted(wanted: number, found: number, sampled: number, dynamic: DynamicSamplingOptions): Error {
  return userError(
    'DYNAMIC_SAMPLING',
    `${wanted} groups with signal in ${dynamic.max_batches} batches of prompts`,
    `${found} of ${sampled}`,
    'choose tasks that the model solves sometimes, raise max_batches, or set on_exhausted to train_short',
  );
}

/**
 * Thoughts of a step: a group of responses `thought </think> prediction` to each prompt. What is sampled is a function
 * of (weights, seed, step, place), as in GRPO.
 */
import { isCancelled } from '../../core/cancellation.ts';
import type { Qwen2 } from '../../model/qwen2.ts';
import { type Sample, sampleBatched } from '../../sample/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import type { Rollout } from '../types.ts';
import type { ThinkingPrompt } from './prompts.ts';
import { endsBehind, parseThought, type Thought } from './thought.ts';

/** A sampled response. */
export interface ThoughtRollout extends Rollout {
  sampleIndex: number;
  /** The sampler's log p of each token, at temperature 1. */
  sampled: Float32Array;
  thought: Thought;
  /** Whether the prediction is right; absent where none is sampled. */
  correct?: boolean;
  /** What the reward is made of. */
  parts: Record<string, number>;
}

/** All responses to one prompt. */
export interface ThoughtGroup {
  prompt: ThinkingPrompt;
  rollouts: ThoughtRollout[];
}

export interface ThoughtSettings {
  /** Responses to each prompt. */
  group_size: number;
  temperature: number;
  top_p: number;
  top_k: number;
  max_response_tokens: number;
  slots: number;
  seed: number;
}

/**
 * Samples a group for each prompt; undefined when the surrounding job was cancelled meanwhile.
 * @param keys names of the prompts in the random streams
 * @param close id of `</think>`
 * @param predicted tokens behind it that end a response
 * @param clocked runs each stretch of sampling (and may clock it)
 */
export async function sampleThoughts(
  model: Qwen2,
  tokenizer: Tokenizer,
  prompts: readonly ThinkingPrompt[],
  keys: (index: number) => string,
  settings: ThoughtSettings,
  { close, predicted }: { close: number; predicted: number },
  clocked: <T>(work: () => T) => T = (work) => work(),
): Promise<ThoughtGroup[] | undefined> {
  if (prompts.length === 0) return [];
  const keyed = prompts.map(({ ids }, index) => ({ key: keys(index), ids }));
  const samples = sampleBatched(model, tokenizer, keyed, {
    samples: settings.group_size,
    temperature: settings.temperature,
    topP: settings.top_p,
    topK: settings.top_k,
    maxTokens: settings.max_response_tokens,
    seed: settings.seed,
    slots: settings.slots,
    endsWith: endsBehind(close, predicted),
  });
  const groups: ThoughtGroup[] = [];
  for (;;) {
    const { done, value } = clocked(() => samples.next());
    if (done) break;
    const index = value[0]!.prompt;
    const prompt = prompts[index]!;
    groups[index] = { prompt, rollouts: value.map((sample) => rolloutOf(sample, prompt, index, close)) };
    await new Promise<void>((resolve) => setImmediate(resolve)); // lets displays, Stop and other work through
  }
  return isCancelled() ? undefined : groups;
}

function rolloutOf(sample: Sample, prompt: ThinkingPrompt, group: number, close: number): ThoughtRollout {
  return {
    group,
    prompt: prompt.ids,
    response: sample.ids,
    truncated: sample.stopReason === 'length',
    reward: Number.NaN,
    sampleIndex: sample.sampleIndex,
    sampled: sample.logProbabilities,
    thought: parseThought(sample.ids, close),
    parts: {},
  };
}

/**
 * Batched sampling with a key/value cache. A fixed number of slots decode together; when a sequence ends, its slot
 * takes the next one (continuous batching). The n samples of a prompt share one prefill.
 *
 * Every sample has its own random stream keyed by (seed, prompt key, sample index), so what is sampled does not
 * depend on the number of slots, the order of the prompts or how often the run was interrupted.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  copyCacheSlot,
  createKvCache,
  type KvCache,
  type SampledTokens,
  type SampleOptions,
  sampleTokens,
} from '../backend/index.ts';
import { isCancelled } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { type RandomStream, randomFamily } from '../core/random.ts';
import { decodeStep, prefill, type Qwen2 } from '../model/qwen2.ts';
import { STOP_TAG } from '../tasks/text.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

export interface SampleSettings {
  /** Samples per prompt. */
  samples: number;
  /** 0 = greedy. */
  temperature: number;
  /** Smallest set of tokens with this probability mass; 1 = all. */
  topP: number;
  /** Most likely tokens kept; 0 = all. */
  topK: number;
  /** Most new tokens per sample. */
  maxTokens: number;
  seed: number;
  /** Sequences decoded together. */
  slots: number;
}

/** Defaults of the reference's evaluation (PAPER §6.2) where it has them. */
export const defaultSampleSettings: SampleSettings = {
  samples: 1,
  temperature: 0.7,
  topP: 1,
  topK: 0,
  maxTokens: 1024,
  seed: 0,
  slots: 64,
};

/** A prompt and the key that names it in the random streams (a task's id). */
export interface Prompt {
  key: string;
  text: string;
}

/** One sampled continuation. */
export interface Sample {
  /** Index of the prompt in the input. */
  prompt: number;
  /** 0 … samples − 1. */
  sampleIndex: number;
  /** Text behind the prompt, stop tag included. */
  response: string;
  /** New tokens, the stop token included. */
  tokens: number;
  /** Their ids: what a trainer computes log-probabilities of (text may encode to other tokens). */
  ids: readonly number[];
  /** `stop`: ended by itself; `length`: cut at the limit. */
  stopReason: 'stop' | 'length';
  /** log p of every new token under the model at temperature 1. */
  logProbabilities: Float32Array;
}

/** Most prompt tokens prefilled together, so that memory does not grow with the number of slots. */
const PREFILL_ROWS = 4096;

/** One sequence that is being decoded in a slot. */
interface Live {
  prompt: number;
  sampleIndex: number;
  slot: number;
  /** Tokens in the cache. */
  length: number;
  /** Newest token, not yet in the cache. */
  token: number;
  ids: number[];
  logProbabilities: number[];
  stream: RandomStream;
  limit: number;
}

/**
 * Samples of every prompt, handed out as each prompt's samples are complete (in order of completion; within a
 * prompt by sample index). Ends early when the surrounding job is cancelled.
 *
 * @throws SAMPLE_SETTINGS for settings out of range, PROMPT_TOO_LONG when a prompt leaves no room for an answer
 */
export function* sampleBatched(
  model: Qwen2,
  tokenizer: Tokenizer,
  prompts: readonly Prompt[],
  settings: SampleSettings,
): Generator<Sample[]> {
  checkSettings(settings);
  const stops = [tokenizer.idOf(STOP_TAG), tokenizer.idOf('[EOS]')].filter((id) => id !== undefined);
  const encoded = prompts.map((prompt) => tokenizer.encode(prompt.text));
  const capacityLimit = model.config.max_position_embeddings;
  for (const [i, ids] of encoded.entries()) {
    if (ids.length > 0 && ids.length < capacityLimit) continue;
    throw userError(
      'PROMPT_TOO_LONG',
      `prompts of 1 to ${capacityLimit - 1} tokens`,
      `${ids.length} in prompt ${i} (${prompts[i]!.key})`,
      'leave such tasks out, or use a model with more positions',
    );
  }
  const longest = encoded.reduce((most, ids) => Math.max(most, ids.length), 1);
  const capacity = Math.min(capacityLimit, longest + settings.maxTokens);
  const slotCount = Math.min(settings.slots, Math.max(1, prompts.length * settings.samples));
  const caches = makeCaches(model, slotCount, capacity);
  const free = Array.from({ length: slotCount }, (_, i) => slotCount - 1 - i);

  const unfinished = new Map<number, Sample[]>(); // by prompt
  const complete: Sample[][] = [];
  const live: Live[] = [];
  let nextPrompt = 0;
  let nextSample = 0; // of nextPrompt

  const finish = (sequence: Live, stopReason: Sample['stopReason']) => {
    free.push(sequence.slot);
    const done = unfinished.get(sequence.prompt) ?? [];
    unfinished.set(sequence.prompt, done);
    done.push({
      prompt: sequence.prompt,
      sampleIndex: sequence.sampleIndex,
      response: tokenizer.decode(sequence.ids),
      tokens: sequence.ids.length,
      ids: sequence.ids,
      stopReason,
      logProbabilities: Float32Array.from(sequence.logProbabilities),
    });
    if (done.length === settings.samples) {
      unfinished.delete(sequence.prompt);
      complete.push(done.sort((a, b) => a.sampleIndex - b.sampleIndex));
    }
  };

  // One step at 1 ms leaves no room for new arrays: these serve all steps.
  const uniforms = new Float64Array(slotCount);
  const drawn: SampledTokens = {
    ids: new Int32Array(slotCount),
    logProbabilities: new Float32Array(slotCount),
  };
  const { temperature, topP, topK } = settings;
  // A model's vocabulary may be padded beyond the tokenizer's: those ids stand for nothing.
  const options: SampleOptions = {
    temperature,
    topP,
    topK,
    uniforms,
    vocabulary: tokenizer.vocabularySize,
  };

  /** Draws each sequence's next token from its row of logits; keeps in `sequences` those that go on. */
  const draw = (logits: Tensor2D, sequences: Live[]): void => {
    for (let row = 0; row < sequences.length; row++) uniforms[row] = sequences[row]!.stream.uniform();
    sampleTokens(logits, options, drawn);
    let kept = 0;
    for (let row = 0; row < sequences.length; row++) {
      const sequence = sequences[row]!;
      const id = drawn.ids[row]!;
      sequence.token = id;
      sequence.ids.push(id);
      sequence.logProbabilities.push(drawn.logProbabilities[row]!);
      if (stops.includes(id)) finish(sequence, 'stop');
      else if (sequence.ids.length >= sequence.limit) finish(sequence, 'length');
      else sequences[kept++] = sequence;
    }
    sequences.length = kept;
  };

  let inputs = stepInputs(slotCount);
  /** One decoding step of all live sequences. */
  const advance = () => {
    if (live.length !== inputs.tokens.length) inputs = stepInputs(live.length);
    const { tokens, lengths, slots } = inputs;
    for (let row = 0; row < live.length; row++) {
      const sequence = live[row]!;
      tokens[row] = sequence.token;
      lengths[row] = sequence.length++;
      slots[row] = sequence.slot;
    }
    const logits = decodeStep(model, tokens, lengths, caches, slots);
    draw(logits, live);
    logits.dispose();
  };

  /** Fills free slots: one prefill for the new prompts, copies for further samples of the same prompt. */
  const refill = () => {
    const starts: { prompt: number; sequences: Live[] }[] = [];
    let rows = 0;
    while (free.length > 0 && nextPrompt < prompts.length) {
      const ids = encoded[nextPrompt]!;
      if (rows > 0 && rows + ids.length > PREFILL_ROWS) break;
      rows += ids.length;
      const sequences: Live[] = [];
      while (free.length > 0 && nextSample < settings.samples) {
        sequences.push({
          prompt: nextPrompt,
          sampleIndex: nextSample,
          slot: free.pop()!,
          length: ids.length,
          token: -1,
          ids: [],
          logProbabilities: [],
          stream: randomFamily('sample', settings.seed, prompts[nextPrompt]!.key).at(nextSample),
          limit: Math.min(settings.maxTokens, capacityLimit - ids.length),
        });
        nextSample++;
      }
      starts.push({ prompt: nextPrompt, sequences });
      if (nextSample < settings.samples) break;
      nextPrompt++;
      nextSample = 0;
    }
    if (starts.length === 0) return;
    const started = starts.flatMap((start) => start.sequences);
    const logits = prefillPrompts(
      model,
      starts.map(({ prompt, sequences }) => ({ ids: encoded[prompt]!, slots: sequences.map((s) => s.slot) })),
      caches,
    );
    draw(logits, started);
    logits.dispose();
    live.push(...started);
  };

  try {
    for (;;) {
      // A wave ends quickly for greedy one-token answers: refill until slots are busy or prompts are used up.
      while (free.length > 0 && nextPrompt < prompts.length) refill();
      yield* complete.splice(0);
      if (live.length === 0 || isCancelled()) return;
      advance();
    }
  } finally {
    for (const cache of caches) cache.dispose();
  }
}

/** What a step of `count` sequences reads: the newest token, the tokens cached and the slot of each. */
function stepInputs(count: number) {
  return {
    tokens: new Int32Array(count),
    lengths: new Int32Array(count),
    slots: new Int32Array(count),
  };
}

/** Prefills prompts together and returns one row of logits per slot, prompts in order, slots in order. */
function prefillPrompts(
  model: Qwen2,
  starts: readonly { ids: readonly number[]; slots: readonly number[] }[],
  caches: readonly KvCache[],
): Tensor2D {
  return tf.tidy(() => {
    const segments = new Int32Array(starts.length + 1);
    starts.forEach((start, i) => {
      segments[i + 1] = segments[i]! + start.ids.length;
    });
    const positions = starts.flatMap((start) => start.ids.map((_, i) => i));
    const batch = {
      ids: tf.tensor1d(
        starts.flatMap((start) => start.ids as number[]),
        'int32',
      ),
      positions: tf.tensor1d(positions, 'int32'),
      segments,
    };
    const logits = prefill(
      model,
      batch,
      caches,
      Int32Array.from(starts, (start) => start.slots[0]!),
    ); // [S, V]
    for (const { ids, slots } of starts) {
      const others = Int32Array.from(slots.slice(1));
      if (others.length > 0) for (const cache of caches) copyCacheSlot(cache, slots[0]!, others, ids.length);
    }
    const rows = starts.flatMap((start, i) => start.slots.map(() => i));
    return tf.gather(logits, tf.tensor1d(rows, 'int32')) as Tensor2D;
  });
}

function makeCaches(model: Qwen2, slots: number, capacity: number): KvCache[] {
  const { num_hidden_layers, num_key_value_heads, hidden_size, num_attention_heads } = model.config;
  return Array.from({ length: num_hidden_layers }, () =>
    createKvCache(slots, capacity, num_key_value_heads, hidden_size / num_attention_heads),
  );
}

function checkSettings(settings: SampleSettings): void {
  const problems: string[] = [];
  const whole = (name: 'samples' | 'maxTokens' | 'slots') => {
    if (!Number.isInteger(settings[name]) || settings[name] < 1)
      problems.push(`${name} ${settings[name]} (1 or more)`);
  };
  whole('samples');
  whole('maxTokens');
  whole('slots');
  if (!(settings.temperature >= 0) || !Number.isFinite(settings.temperature)) {
    problems.push(`temperature ${settings.temperature} (0 or more)`);
  }
  if (!(settings.topP > 0 && settings.topP <= 1)) problems.push(`topP ${settings.topP} (above 0, at most 1)`);
  if (!Number.isInteger(settings.topK) || settings.topK < 0)
    problems.push(`topK ${settings.topK} (0 or more)`);
  if (problems.length > 0) {
    throw userError('SAMPLE_SETTINGS', 'sampling settings in range', problems.join(', '), 'correct these');
  }
}

/**
 * Batched sampling with a key/value cache. A fixed number of slots decode together; when a sequence ends, its slot
 * takes the next one (continuous batching). The n samples of a prompt share one prefill, also those that begin later.
 * Memory grows with the slots, not with prompts or samples: a prompt is encoded when its first sample begins.
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
import { type RandomStream, randomFamily } from '../core/random.ts';
import { decodeStep, prefill, type Qwen2 } from '../model/qwen2.ts';
import { STOP_TAG } from '../tasks/text.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { firstSample, idsOf, longestPrompt, type Prompt, type TokenPrompt } from './prompts.ts';
import { checkSampleSettings, type SampleSettings } from './settings.ts';
import { StopStrings } from './stop.ts';

/** One sampled continuation. */
export interface Sample {
  /** Index of the prompt in the input. */
  prompt: number;
  /** firstSample … samples − 1. */
  sampleIndex: number;
  /** Text behind the prompt, stop tag or stop string included. */
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

/** A prompt that has samples yet to begin: its keys and values wait in a slot of their own. */
interface Held {
  /** Tokens. */
  length: number;
  /** Behind its last token, [1, V]. */
  logits: Tensor2D;
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
  prompts: readonly (Prompt | TokenPrompt)[],
  settings: SampleSettings,
): Generator<Sample[]> {
  checkSampleSettings(settings);
  const { samples } = settings;
  const stops = [tokenizer.idOf(STOP_TAG), tokenizer.idOf('[EOS]')].filter((id) => id !== undefined);
  const stopStrings = settings.stop?.length ? new StopStrings(tokenizer, settings.stop) : undefined;
  const capacityLimit = model.config.max_position_embeddings;
  const firsts = prompts.map((prompt) => firstSample(prompt, samples));
  const capacity = Math.min(
    capacityLimit,
    longestPrompt(tokenizer, prompts, capacityLimit) + settings.maxTokens,
  );
  const wanted = firsts.reduce((sum, first) => sum + samples - first, 0);
  const slotCount = Math.min(settings.slots, Math.max(1, wanted));
  const holdingSlot = slotCount; // one more than there are sequences
  const caches = makeCaches(model, wanted > slotCount && samples > 1 ? slotCount + 1 : slotCount, capacity);
  const free = Array.from({ length: slotCount }, (_, i) => slotCount - 1 - i);

  const unfinished = new Map<number, Sample[]>(); // by prompt
  const complete: Sample[][] = [];
  const live: Live[] = [];
  let nextPrompt = 0;
  let nextSample = firsts[0] ?? 0; // of nextPrompt
  let held: Held | undefined; // of nextPrompt

  /** `surplus`: bytes behind a stop string. */
  const finish = (sequence: Live, stopReason: Sample['stopReason'], surplus = 0) => {
    free.push(sequence.slot);
    const done = unfinished.get(sequence.prompt) ?? [];
    unfinished.set(sequence.prompt, done);
    done.push({
      prompt: sequence.prompt,
      sampleIndex: sequence.sampleIndex,
      response: surplus > 0 ? stopStrings!.cut(sequence.ids, surplus) : tokenizer.decode(sequence.ids),
      tokens: sequence.ids.length,
      ids: sequence.ids,
      stopReason,
      logProbabilities: Float32Array.from(sequence.logProbabilities),
    });
    if (done.length === samples - firsts[sequence.prompt]!) {
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
      const surplus = stopStrings === undefined ? -1 : stopStrings.surplus(sequence.ids);
      if (surplus >= 0) finish(sequence, 'stop', surplus);
      else if (stops.includes(id) || settings.endsWith?.(sequence.ids)) finish(sequence, 'stop');
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

  /** Sequences for samples of the next prompt, of `length` tokens, as far as there are slots. */
  const begin = (length: number): Live[] => {
    const sequences: Live[] = [];
    const streams = randomFamily('sample', settings.seed, prompts[nextPrompt]!.key);
    while (free.length > 0 && nextSample < samples) {
      sequences.push({
        prompt: nextPrompt,
        sampleIndex: nextSample,
        slot: free.pop()!,
        length,
        token: -1,
        ids: [],
        logProbabilities: [],
        stream: streams.at(nextSample),
        limit: Math.min(settings.maxTokens, capacityLimit - length),
      });
      nextSample++;
    }
    if (nextSample === samples) nextSample = firsts[++nextPrompt] ?? 0;
    return sequences;
  };

  /** Further samples of the prompt that is held. */
  const refillFromHeld = ({ length, logits }: Held) => {
    const prompt = nextPrompt;
    const started = begin(length);
    const slots = Int32Array.from(started, ({ slot }) => slot);
    for (const cache of caches) copyCacheSlot(cache, holdingSlot, slots, length);
    const rows = tf.tidy(() => tf.gather(logits, tf.zeros([started.length], 'int32')) as Tensor2D);
    if (nextPrompt !== prompt) {
      logits.dispose();
      held = undefined;
    }
    draw(rows, started);
    rows.dispose();
    live.push(...started);
  };

  /** Fills free slots with new prompts: one prefill, copies for further samples of the same prompt. */
  const refill = () => {
    const starts: Start[] = [];
    let rows = 0;
    let partial = false; // whether the last one has samples left
    while (free.length > 0 && nextPrompt < prompts.length && !partial) {
      const prompt = nextPrompt;
      const ids = idsOf(tokenizer, prompts[prompt]!);
      if (rows > 0 && rows + ids.length > PREFILL_ROWS) break;
      rows += ids.length;
      const sequences = begin(ids.length);
      partial = nextPrompt === prompt;
      starts.push({ ids, sequences });
    }
    const logits = prefillPrompts(model, starts, caches); // [S, V]
    if (partial) {
      const { ids, sequences } = starts.at(-1)!;
      const target = Int32Array.of(holdingSlot);
      for (const cache of caches) copyCacheSlot(cache, sequences[0]!.slot, target, ids.length);
      held = { length: ids.length, logits: tf.slice(logits, [starts.length - 1, 0], [1, -1]) as Tensor2D };
    }
    const started = starts.flatMap(({ sequences }) => sequences);
    const perSequence = tf.tidy(() => {
      const index = starts.flatMap(({ sequences }, i) => sequences.map(() => i));
      return tf.gather(logits, tf.tensor1d(index, 'int32')) as Tensor2D;
    });
    draw(perSequence, started);
    logits.dispose();
    perSequence.dispose();
    live.push(...started);
  };

  try {
    for (;;) {
      // A wave ends quickly for greedy one-token answers: refill until slots are busy or prompts are used up.
      while (free.length > 0 && nextPrompt < prompts.length) {
        if (held !== undefined) refillFromHeld(held);
        else refill();
      }
      yield* complete.splice(0);
      if (live.length === 0 || isCancelled()) return;
      advance();
    }
  } finally {
    for (const cache of caches) cache.dispose();
    held?.logits.dispose();
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

/** A prompt to prefill and the sequences that begin with it. */
interface Start {
  ids: readonly number[];
  sequences: readonly Live[];
}

/** Prefills prompts together, into the slots of all their sequences; one row of logits per prompt, [S, V]. */
function prefillPrompts(model: Qwen2, starts: readonly Start[], caches: readonly KvCache[]): Tensor2D {
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
    const slots = Int32Array.from(starts, ({ sequences }) => sequences[0]!.slot);
    const logits = prefill(model, batch, caches, slots);
    for (const { ids, sequences } of starts) {
      const others = Int32Array.from(sequences.slice(1), ({ slot }) => slot);
      if (others.length === 0) continue;
      for (const cache of caches) copyCacheSlot(cache, sequences[0]!.slot, others, ids.length);
    }
    return logits;
  });
}

function makeCaches(model: Qwen2, slots: number, capacity: number): KvCache[] {
  const { num_hidden_layers, num_key_value_heads, hidden_size, num_attention_heads } = model.config;
  return Array.from({ length: num_hidden_layers }, () =>
    createKvCache(slots, capacity, num_key_value_heads, hidden_size / num_attention_heads),
  );
}

/** Responses of a model that is loaded here. */
import * as tf from '@tensorflow/tfjs-core';
import type { LoadedModel } from '../../model/index.ts';
import { type SampleSettings, sampleBatched } from '../../sample/index.ts';
import { promptText } from '../../tasks/index.ts';
import type { ResponseRequest, ResponseSource, TaskResponses } from './source.ts';

/** The batched sampler as a source. What it gives depends on weights, task and settings alone. */
export function modelSource({ model, tokenizer, hash }: LoadedModel): ResponseSource {
  return {
    identity: hash,
    facts: { model: hash },
    // Backends round differently: a cached sample is the one that would be sampled here.
    cacheIdentity: { model: hash, backend: tf.getBackend() },
    relevant({ slots: _slots, stop, ...others }: SampleSettings) {
      return stop?.length ? { ...others, stop } : others; // how many decode together changes no sample
    },
    *responses(requests: readonly ResponseRequest[], settings: SampleSettings): Generator<TaskResponses> {
      const prompts = requests.map(({ id, task, first }) => ({
        key: id,
        text: promptText(task),
        firstSample: first,
      }));
      for (const samples of sampleBatched(model, tokenizer, prompts, settings)) {
        const responses = samples.map(({ sampleIndex, response, tokens, stopReason }) => ({
          sample_index: sampleIndex,
          response,
          tokens,
          stop_reason: stopReason,
        }));
        yield { request: samples[0]!.prompt, responses };
      }
    },
  };
}

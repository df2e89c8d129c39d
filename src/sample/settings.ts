/** What a sampler is told, with defaults and checks. */
import { userError } from '../core/errors.ts';

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
  /**
   * Texts that end a response, beside the stop tag and the end token. The response is cut right behind the first one,
   * which it keeps, wherever the borders of tokens are; the token that completed it counts whole.
   */
  stop?: readonly string[];
  /** Asked after every token whether the new tokens so far are a whole response, beside what else ends one. */
  endsWith?: (ids: readonly number[]) => boolean;
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
  stop: [],
};

/** @throws SAMPLE_SETTINGS that names all settings out of range */
export function checkSampleSettings(settings: SampleSettings): void {
  const problems: string[] = [];
  for (const name of ['samples', 'maxTokens', 'slots'] as const) {
    const value = settings[name];
    if (!Number.isInteger(value) || value < 1) problems.push(`${name} ${value} (1 or more)`);
  }
  const { temperature, topP, topK, stop = [] } = settings;
  if (!(temperature >= 0) || !Number.isFinite(temperature))
    problems.push(`temperature ${temperature} (0 or more)`);
  if (!(topP > 0 && topP <= 1)) problems.push(`topP ${topP} (above 0, at most 1)`);
  if (!Number.isInteger(topK) || topK < 0) problems.push(`topK ${topK} (0 or more)`);
  if (!Array.isArray(stop) || stop.some((text) => typeof text !== 'string' || text === '')) {
    problems.push(`stop ${JSON.stringify(stop)} (a list of texts that are not empty)`);
  }
  if (problems.length > 0) {
    throw userError('SAMPLE_SETTINGS', 'sampling settings in range', problems.join(', '), 'correct these');
  }
}

/** Where the responses of an evaluation come from: our sampler, a file of another program, a server. */
import type { SampleSettings } from '../../sample/index.ts';
import type { ReferenceTask } from '../../tasks/index.ts';

/** Why a response ended: by itself, at the length limit, or nobody says. */
export type StopReason = 'stop' | 'length' | 'unknown';

/** One response to a task. */
export interface GivenResponse {
  sample_index: number;
  /** Text behind the prompt. */
  response: string;
  /** New tokens; null where the source does not say. */
  tokens: number | null;
  stop_reason: StopReason;
}

/** A task whose samples `first` … samples − 1 are wanted. */
export interface ResponseRequest {
  id: string;
  task: ReferenceTask;
  first: number;
}

/** All wanted responses to one request, by sample index. */
export interface TaskResponses {
  /** Index of the request. */
  request: number;
  responses: GivenResponse[];
}

export interface ResponseSource {
  /** With tasks and settings this names the evaluation: the same identity stands for the same responses. No secrets. */
  readonly identity: unknown;
  /** What config.json says of the source. No secrets. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Of all sampling settings, those that the responses depend on; `samples` and `seed` always. */
  relevant(settings: SampleSettings): Partial<SampleSettings>;
  /** Names the responses in a cache; absent where they are not to be cached. */
  readonly cacheIdentity?: unknown;
  /**
   * How many samples each task will have, where that is not for the settings to say. Called once, with all tasks,
   * before anything else; `most` is what the user asked for.
   */
  counts?(tasks: readonly ReferenceTask[], ids: readonly string[], most: number | undefined): number[];
  /** Each request's responses when they are complete, in any order; ends early when the job is cancelled. */
  responses(
    requests: readonly ResponseRequest[],
    settings: SampleSettings,
  ): Iterable<TaskResponses> | AsyncIterable<TaskResponses>;
}

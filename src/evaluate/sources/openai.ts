/** What is said to and heard from a server with OpenAI's interface: vLLM, SGLang, llama.cpp, or a service. */
import type { SampleSettings } from '../../sample/index.ts';
import { promptText, type ReferenceTask, STOP_TAG } from '../../tasks/index.ts';
import { isFields, stopReason } from './fields.ts';
import type { StopReason } from './source.ts';

/** How a model that was not trained on these problems is told to write what the verifier reads. */
export const CHAT_INSTRUCTION =
  'Solve the problem. Write one step for every quantity that the answer needs, in an order in which each step uses ' +
  'only quantities that are defined before it. A step names the quantity as the problem does and gives it a letter ' +
  'of its own: "Define <quantity> as <letter>; so <letter> = <expression> = <with numbers> = <value>." ' +
  'For example: "Define adult fox in Bundle Ranch as j; so j = 2. Define adult bear in Bundle Ranch as q; ' +
  'so q = 3 + j = 3 + 2 = 5." The last line is "Answer: <number>."';

/** Beyond OpenAI's interface, for vLLM and SGLang: the tags of our texts are special tokens, which they leave out. */
export const COMPLETION_FIELDS: Readonly<Record<string, unknown>> = {
  skip_special_tokens: false,
  include_stop_str_in_output: true,
};

export interface Dialect {
  model: string;
  chat: boolean;
  instruction: string;
  /** Further fields of a request; null takes a field away. */
  fields: Readonly<Record<string, unknown>>;
}

/** Body of a request for `count` samples. */
export function requestBody(
  task: ReferenceTask,
  count: number,
  seed: number,
  settings: SampleSettings,
  { model, chat, instruction, fields }: Dialect,
): Record<string, unknown> {
  const { temperature, topP, topK, maxTokens, stop = [] } = settings;
  const stops = chat ? stop : [STOP_TAG, ...stop];
  const asked = `${task.problem.trim()} ${task.question}`;
  const body: Record<string, unknown> = {
    model,
    ...(chat
      ? {
          messages: [
            ...(instruction === '' ? [] : [{ role: 'system', content: instruction }]),
            { role: 'user', content: asked },
          ],
        }
      : { prompt: promptText(task) }),
    max_tokens: maxTokens,
    temperature,
    top_p: topP,
    ...(topK > 0 ? { top_k: topK } : {}),
    ...(count > 1 ? { n: count } : {}),
    seed,
    ...(stops.length > 0 ? { stop: stops } : {}),
    ...(chat ? {} : COMPLETION_FIELDS),
    ...fields,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** A choice of a reply. */
export interface Choice {
  text: string;
  stop: StopReason;
  tokens: number | null;
}

/** The choices of a reply in their order; a text says what is wrong with it. */
export function choicesOf(reply: unknown, chat: boolean): Choice[] | string {
  const { choices, usage } = (isFields(reply) ? reply : {}) as { choices?: unknown; usage?: unknown };
  if (!Array.isArray(choices) || choices.length === 0) return 'a reply without "choices"';
  const indexed = choices.every((choice) => isFields(choice) && Number.isInteger(choice.index));
  const ordered = indexed ? [...choices].sort((a, b) => a.index - b.index) : choices;
  const tokens = isFields(usage) && choices.length === 1 ? usage.completion_tokens : null;
  const read: Choice[] = [];
  for (const choice of ordered) {
    const text = textOf(choice, chat);
    if (text === undefined) return `a choice without ${chat ? '"message.content"' : '"text"'}`;
    const stop = stopReason(choice.finish_reason);
    read.push({
      text: chat ? text : withStopTag(text, stop, choice),
      stop,
      tokens: Number.isInteger(tokens) ? (tokens as number) : null,
    });
  }
  return read;
}

function textOf(choice: unknown, chat: boolean): string | undefined {
  if (!isFields(choice)) return undefined;
  if (!chat) return typeof choice.text === 'string' ? choice.text : undefined;
  if (!isFields(choice.message)) return undefined;
  const { content } = choice.message;
  if (content === null) return ''; // nothing but reasoning, or a refusal
  return typeof content === 'string' ? content : undefined;
}

/**
 * OpenAI's interface leaves out the stop string that ended a text. vLLM says which it was in `stop_reason`, SGLang in
 * `matched_stop`; others do not, but an answer that was opened can have ended only there.
 */
function withStopTag(text: string, stop: StopReason, choice: Record<string, unknown>): string {
  if (stop !== 'stop' || text.endsWith(STOP_TAG)) return text;
  const told = [choice.stop_reason, choice.matched_stop].find((value) => typeof value === 'string');
  if (told !== undefined) return told === STOP_TAG ? text + STOP_TAG : text;
  return text.lastIndexOf('<answer>') > text.lastIndexOf(STOP_TAG) ? text + STOP_TAG : text;
}

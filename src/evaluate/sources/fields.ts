/**
 * Responses in the rows that other programs write. One grammar for all: a response is a text, an object that has one
 * (`text`, `content`, `message.content`, …), or a list of these; what stands around it differs only in names.
 */
import type { StopReason } from './source.ts';

/** A response as found, without its place. */
export interface FoundResponse {
  text: string;
  stop: StopReason;
  tokens: number | null;
}

type Fields = Record<string, unknown>;

/** Fields of a row that hold its responses; the first that is there counts. */
export const RESPONSE_FIELDS = [
  'responses',
  'response',
  'resps',
  'completions',
  'completion',
  'generations',
  'generation',
  'generated_text',
  'outputs',
  'output',
  'choices',
  'text',
] as const;

/** Fields of an object that lead to responses, lists before single ones. */
const INSIDE = [
  'choices',
  'outputs',
  'body',
  'message',
  'text',
  'content',
  'completion',
  'response',
  'generated_text',
];
const STOP_FIELDS = ['stop_reason', 'finish_reason', 'stop_reasons', 'finish_reasons'];
const TOKEN_FIELDS = ['tokens', 'num_tokens', 'output_tokens', 'completion_tokens'];

/** The responses of a row, in their order; null when there is nothing that can be read as one. */
export function responsesOf(row: Fields): FoundResponse[] | null {
  const field = RESPONSE_FIELDS.find((name) => row[name] !== undefined && row[name] !== null);
  if (field === undefined) return null;
  const found = find(row[field]);
  if (found === null) return null;
  // What the row says goes for its response; lists beside a list of responses go one by one.
  return found.map((one, i) => withDefaults(one, row, i, found.length));
}

function find(value: unknown): FoundResponse[] | null {
  if (typeof value === 'string') return [{ text: value, stop: 'unknown', tokens: null }];
  if (Array.isArray(value)) return findAll(value);
  if (!isFields(value)) return null;
  for (const name of INSIDE) {
    const inner = value[name];
    if (inner === undefined || inner === null) continue;
    const found = name === 'content' && Array.isArray(inner) ? findParts(inner) : find(inner);
    return found === null ? null : found.map((one, i) => withDefaults(one, value, i, found.length));
  }
  return null;
}

function findAll(values: readonly unknown[]): FoundResponse[] | null {
  const all: FoundResponse[] = [];
  for (const value of values) {
    const found = find(value);
    if (found === null) return null;
    all.push(...found);
  }
  return all;
}

/** A message in parts: its texts, one behind the other. */
function findParts(parts: readonly unknown[]): FoundResponse[] | null {
  const texts = parts.map((part) => (isFields(part) && part.type === 'text' ? part.text : ''));
  return texts.every((text) => typeof text === 'string') ? find(texts.join('')) : null;
}

/** What stands around `count` responses says about number `index` of them; what the response itself says goes first. */
function withDefaults(one: FoundResponse, around: Fields, index: number, count: number): FoundResponse {
  return {
    text: one.text,
    stop: one.stop === 'unknown' ? stopAround(around, index) : one.stop,
    tokens: one.tokens ?? tokensAround(around, index, count),
  };
}

function stopAround(around: Fields, index: number): StopReason {
  if (around.truncated === true) return 'length';
  for (const name of STOP_FIELDS) {
    const value = around[name];
    const reason = stopReason(Array.isArray(value) ? value[index] : value);
    if (reason !== 'unknown') return reason;
  }
  return 'unknown';
}

/** A reason in anyone's words. */
export function stopReason(value: unknown): StopReason {
  if (typeof value !== 'string') return 'unknown';
  if (/^(length|max_tokens|max_length|max_new_tokens|max_output_tokens|model_length)$/i.test(value))
    return 'length';
  if (/^(stop|eos|eos_token|stop_sequence|stop_string|end_turn|finished)$/i.test(value)) return 'stop';
  return 'unknown';
}

function tokensAround(around: Fields, index: number, count: number): number | null {
  const ids = around.token_ids;
  if (Array.isArray(ids)) {
    if (Array.isArray(ids[index])) return ids[index].length;
    if (count === 1) return ids.length;
  }
  for (const fields of [around, isFields(around.usage) ? around.usage : {}]) {
    for (const name of TOKEN_FIELDS) {
      const value = fields[name];
      // One number for several responses is their sum or something else, but not the tokens of one.
      const number = Array.isArray(value) ? value[index] : count === 1 ? value : undefined;
      if (Number.isInteger(number)) return number;
    }
  }
  return null;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

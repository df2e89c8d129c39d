/**
 * Speed of the tokenizer on task-like text, beside Hugging Face's JavaScript tokenizer on the same file: encoding
 * (the peer's ids must be equal, or the comparison would be of different work), decoding, training.
 */
import { Tokenizer as PeerTokenizer } from '@huggingface/tokenizers';
import { internalError } from '../src/core/errors.ts';
import { randomFamily } from '../src/core/random.ts';
import { trainingText } from '../src/tasks/text.ts';
import { Tokenizer, tokenizerConfigJson, trainTokenizer } from '../src/tokenizer/index.ts';
import type { BenchmarkRow } from './table.ts';

const PEER = '@huggingface/tokenizers';
const ROUNDS = 5;

/** Runs the benchmark: seconds of work on one core. */
export async function tokenizerBenchmark(): Promise<BenchmarkRow[]> {
  const texts = taskTexts(10_000);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const trainings = rounds(() => trainTokenizer(texts, { vocabularySize: 2200 }));
  const tokenizer = trainTokenizer(texts, { vocabularySize: 2200 });
  const peer = new PeerTokenizer(JSON.parse(tokenizer.toJson()), JSON.parse(tokenizerConfigJson(tokenizer)));

  const sample = texts.slice(0, 500);
  const encoded = sample.map((text) => tokenizer.encode(text));
  for (const [index, text] of sample.entries()) {
    const { ids } = peer.encode(text, { add_special_tokens: false });
    if (ids.join() !== encoded[index]!.join()) throw internalError(`ids differ from ${PEER}'s: ${text}`);
  }
  const tokens = encoded.reduce((sum, ids) => sum + ids.length, 0);

  // Interleaved, so that a disturbance of the machine hits both.
  const encoding: [number, number][] = [];
  const decoding: [number, number][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    encoding.push([
      seconds(() => sample.map((text) => tokenizer.encode(text))),
      seconds(() => sample.map((text) => peer.encode(text, { add_special_tokens: false }))),
    ]);
    decoding.push([
      seconds(() => encoded.map((ids) => tokenizer.decode(ids))),
      seconds(() => encoded.map((ids) => peer.decode(ids, { skip_special_tokens: false }))),
    ]);
  }
  // A tokenizer that has seen no word yet: the cost without its cache.
  const cold = rounds(() => {
    const fresh = new Tokenizer(tokenizer.parts);
    for (const text of sample) fresh.encode(text);
  });
  return [
    row('encode', 'tokens/s', tokens, median(encoding.map(([a]) => a)), median(encoding.map(([, b]) => b))),
    row('encode, new tokenizer', 'tokens/s', tokens, median(cold), null),
    row('decode', 'tokens/s', tokens, median(decoding.map(([a]) => a)), median(decoding.map(([, b]) => b))),
    row('train, vocabulary 2200', 'MB/s', bytes / 1e6, median(trainings), null),
  ];
}

function row(work: string, unit: string, amount: number, ours: number, peer: number | null): BenchmarkRow {
  return {
    work,
    ours: amount / ours,
    unit,
    peer: peer === null ? null : amount / peer,
    peer_name: peer === null ? null : PEER,
    ratio: peer === null ? null : peer / ours,
    limit: null,
  };
}

function rounds(work: () => unknown): number[] {
  return Array.from({ length: ROUNDS }, () => seconds(work));
}

function seconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/** Texts with the words and the lengths of the tasks (about 200 tokens), without needing their generator. */
function taskTexts(count: number): string[] {
  const family = randomFamily('bench tokenizer');
  const things = [
    'adult wolf',
    'adult bear',
    'adult fox',
    'adult eagle',
    'solemn period drama',
    'elementary school',
  ];
  const places = ['Cedar Valley', 'South Zoo', 'Maple Creek', 'Festival Lumière de Valmont', 'Ruby Bay'];
  return Array.from({ length: count }, (_, index) => {
    const random = family.at(index);
    const name = () => `${random.pick(things)} in ${random.pick(places)}`;
    const problem = Array.from(
      { length: 6 },
      () => `The number of ${name()} equals ${random.below(30)} plus the number of ${name()}.`,
    ).join(' ');
    const steps = Array.from({ length: 6 }, () => {
      const letter = random.pick([...'abcdefghkmnpqrstuvwxyz']);
      return `Define ${name()} as ${letter}; so ${letter} = ${random.below(9)} + ${random.below(40)} = ${random.below(50)}.`;
    }).join(' ');
    return trainingText({
      problem,
      question: `How many ${name()}?`,
      solution: `${steps} Answer: ${random.below(50)}.`,
    });
  });
}

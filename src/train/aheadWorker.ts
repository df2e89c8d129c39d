/** A thread that makes training sequences for ahead.ts. */
import { workerData } from 'node:worker_threads';
import { InterplayError } from '../core/errors.ts';
import { Tokenizer } from '../tokenizer/index.ts';
import { type AheadReply, type AheadSettings, CHUNK_TEXTS } from './ahead.ts';
import { openData, type SequenceSource } from './data.ts';

const { data, seed, tokenizer, port, replies } = workerData as AheadSettings;

/** Opened at the first question, so that what is wrong with the data becomes its answer. */
let sequences: SequenceSource | undefined;

function answer(chunk: number): AheadReply {
  try {
    sequences ??= openData(data, seed).sequences(Tokenizer.fromJson(tokenizer));
    const texts: number[][] = [];
    for (let i = 0; i < CHUNK_TEXTS; i++) texts.push(sequences.at(chunk * CHUNK_TEXTS + i));
    return {
      chunk,
      tokens: Int32Array.from(texts.flat()),
      lengths: Int32Array.from(texts, ({ length }) => length),
    };
  } catch (error) {
    if (!(error instanceof InterplayError)) return { chunk, fault: String(error) };
    const { code, expected, got, remedy } = error;
    return { chunk, error: { code, expected, got, remedy } };
  }
}

port.on('message', (chunk: number) => {
  port.postMessage(answer(chunk));
  Atomics.add(replies, 0, 1);
  Atomics.notify(replies, 0);
});

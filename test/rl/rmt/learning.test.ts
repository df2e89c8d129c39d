/**
 * A text whose next token follows only from a computation: ten letters, each a bit, and their parity. One layer does not
 * find the parity of ten bits at once within these budgets; bit by bit it is easy. The base has read texts with two
 * kinds of thoughts, idle ones and, less often, computing ones: it can think, but does not.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../../src/backend/index.ts';
import { randomFamily } from '../../../src/core/random.ts';
import { disposeQwen2, loadModel } from '../../../src/model/index.ts';
import {
  type HeldOutToken,
  type NextTokenAccuracy,
  nextTokenAccuracy,
  predictTokens,
  type RmtInput,
  rmt,
} from '../../../src/rl/index.ts';
import { THINK_TAGS, trainTokenizer } from '../../../src/tokenizer/index.ts';
import { pretrain } from '../../../src/train/index.ts';
import { ShardWriter } from '../../../src/train/shardWriter.ts';

const BITS = 10;
const TEXTS = { base: 30_000, plain: 4000 };
const HELD_OUT = 300;
const MODEL = {
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
};
const tokenizer = trainTokenizer(['01'], { vocabularySize: 268, special: [...THINK_TAGS] });

/** Text i: its bits in letters of their own for each place, the parities of its beginnings, and the answer. */
function exercise(i: number) {
  const stream = randomFamily('parity').at(i);
  const bits = Array.from({ length: BITS }, () => stream.below(2));
  let parity = 0;
  const parities = bits.map((bit) => {
    parity ^= bit;
    return parity;
  });
  const letters = (from: number, values: number[]) =>
    String.fromCharCode(...values.map((value, place) => from + 2 * place + value));
  return {
    question: `${letters(97, bits)}<solution>`,
    thought: letters(65, parities),
    answer: String(parity),
    stream,
  };
}

const plainText = (i: number) => exercise(i).question + exercise(i).answer;

/** A quarter plain, more of the others with idle thoughts than with computing ones. */
function baseText(i: number): string {
  const { question, thought, answer, stream } = exercise(i);
  const kind = stream.uniform();
  if (kind < 0.25) return question + answer;
  const idle = 'z'.repeat(stream.integer(2, 4));
  return `${question}<think>${kind < 0.65 ? idle : thought}</think>${answer}`;
}

function writeTexts(folder: string, from: number, count: number, text: (i: number) => string): string {
  mkdirSync(folder);
  const writer = new ShardWriter(folder, tokenizer);
  const kind = { context: 'parity', op: BITS, mode: 'plain', depth: 1 };
  for (let i = from; i < from + count; i++) {
    writer.add([...tokenizer.encode(text(i)), tokenizer.idOf('[EOS]')!], kind, `text-${i}`);
  }
  writer.finish();
  writer.close();
  return folder;
}

/** The answers of texts that no model has read. */
const heldOut: HeldOutToken[] = Array.from({ length: HELD_OUT }, (_, text) => {
  const { question, answer } = exercise(1_000_000 + text);
  const prefix = tokenizer.encode(question);
  const truth = tokenizer.encode(answer);
  return {
    text,
    at: prefix.length,
    bucket: 'hard',
    prompt: { row: 0, bucket: 'hard', prefix, ids: prefix, truth, following: truth },
  };
});

async function accuracyOf(checkpoint: string): Promise<NextTokenAccuracy> {
  const { model } = loadModel(checkpoint);
  const [open, close] = THINK_TAGS.map((tag) => tokenizer.idOf(tag)!) as [number, number];
  const rows = await predictTokens(model, tokenizer, heldOut, {
    temperature: 0,
    maxResponseTokens: 16,
    slots: 64,
    seed: 0,
    span: 1,
    match: 'token',
    close,
    opening: [open],
    except: new Set([open, close]),
    mostRows: 4096,
  });
  disposeQwen2(model);
  return nextTokenAccuracy(rows!, 0);
}

const shown = ({ plain, thinking }: NextTokenAccuracy) =>
  [plain, thinking].map(({ value, low, high }) => `${value} (${low} – ${high})`).join(', thinking ');

describe('rmt: learning to think', function () {
  this.timeout(600_000);
  let folder: string;
  let base: string;
  let plain: string;
  let untrained: NextTokenAccuracy;
  let settings: RmtInput;
  const at = (name: string) => join(folder, name);

  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    plain = writeTexts(at('plain-texts'), TEXTS.base, TEXTS.plain, plainText);
    const { model, checkpoint } = await pretrain(
      {
        model: MODEL,
        data: { shards: writeTexts(at('base-texts'), 0, TEXTS.base, baseText) },
        loss_on: 'solution',
        validation: { tasks: 0 },
        tokens: 400_000,
        batch_tokens: 512,
        learning_rate: 1e-2,
        beta2: 0.99,
        weight_decay: 0,
        seed: 1,
      },
      { out: at('base') },
    );
    disposeQwen2(model);
    base = checkpoint;
    untrained = await accuracyOf(base);
    settings = {
      init: base,
      data: { shards: plain },
      loss_on: 'solution',
      batch_tokens: 256,
      positions: { per_step: 16, among: 'solution', least: 0.5, edges: [0.5, 0.5], calibration_tokens: 1000 },
      group_size: 8,
      max_response_tokens: 16,
      learning_rate: 2e-3,
      beta2: 0.99,
      weight_decay: 0,
      steps: 25,
      save_every: 0,
      validation: { tasks: 0 },
      seed: 2,
    };
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  it('begins with a base that is right half the time, with and without thinking', () => {
    const { plain: atOnce, thinking } = untrained;
    assert.ok(atOnce.low < 0.5 && atOnce.high > 0.5 && thinking.high < 0.7, shown(untrained));
  });

  for (const [name, method] of [
    // The budget is no help: an idle thought is paid as much for its length as a computing one.
    ['rmt', { thinking_budget: { initial: 6, gamma: 1, announce: 'none' } }],
    ['rlp', { preset: 'rlp', thinking_budget: null, temperature: 1, baseline: { decay: 0.99 } }],
  ] as const) {
    it(`thinks after reinforcement on plain text: ${name}`, async () => {
      const { model, checkpoint, tokenEquivalents } = await rmt(
        { ...settings, ...method },
        { out: at(name) },
      );
      disposeQwen2(model);
      const found = await accuracyOf(checkpoint);
      const what = `${shown(untrained)} → ${shown(found)}, ${tokenEquivalents} token equivalents`;
      assert.ok(found.thinking.low > 0.85, what);
      assert.ok(found.thinking.low > Math.max(found.plain.high, untrained.thinking.high), what);
    });
  }

  it('does not find the answer by as much next-token training on the same text', async () => {
    const { model, checkpoint } = await pretrain(
      {
        init: base,
        data: { shards: plain },
        loss_on: 'solution',
        validation: { tasks: 0 },
        tokens: 120_000,
        batch_tokens: 256,
        learning_rate: 3e-3,
        beta2: 0.99,
        weight_decay: 0,
        seed: 2,
      },
      { out: at('next-token') },
    );
    disposeQwen2(model);
    const found = await accuracyOf(checkpoint);
    assert.ok(found.plain.low < 0.5 && found.plain.high < 0.65, shown(found));
  });
});

/** The matrix products of training and of decoding, from which the limits of the machine follow. */
import type { ModelConfig } from '../src/model/index.ts';
import type { Peer } from './peer.ts';

/** C [m, n] = op(A) · op(B) with inner size k. */
export interface Product {
  m: number;
  n: number;
  k: number;
  transposeA: boolean;
  transposeB: boolean;
}

/** A product with how often it is computed; half a product is one of which a causal mask leaves half. */
export interface CountedProduct extends Product {
  count: number;
}

/**
 * Work that can be laid out in several ways (one matrix for q, k and v, or three), each a list of products: the
 * fastest counts.
 */
export type Choice = readonly (readonly CountedProduct[])[];

/** `256×1024×2048 TN`: m × k × n, and which operands are transposed. */
export function productName({ m, n, k, transposeA, transposeB }: Product): string {
  return `${m}×${k}×${n} ${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`;
}

export function floatingPointOperations({ m, n, k }: Product): number {
  return 2 * m * n * k;
}

const product = (m: number, n: number, k: number, layout: string, count: number): CountedProduct => {
  return { m, n, k, transposeA: layout[0] === 'T', transposeB: layout[1] === 'T', count };
};

/** y [rows, out] = x [rows, in] · Wᵀ. */
type Linear = (rows: number, outputs: number, inputs: number, count: number) => CountedProduct[];

const forward: Linear = (rows, outputs, inputs, count) => [product(rows, outputs, inputs, 'NT', count)];

/** Forward, gradient of the input and gradient of the weights. */
const training: Linear = (rows, outputs, inputs, count) => [
  ...forward(rows, outputs, inputs, count),
  product(rows, inputs, outputs, 'NN', count),
  product(outputs, inputs, rows, 'TN', count),
];

/** The products with the weights of all layers, for `rows` tokens. */
function layers(config: ModelConfig, rows: number, linear: Linear): Choice[] {
  const { hidden_size: d, intermediate_size: inner, num_hidden_layers: count } = config;
  const kv = (d / config.num_attention_heads) * config.num_key_value_heads;
  return [
    [[...linear(rows, d, d, count), ...linear(rows, kv, d, 2 * count)], linear(rows, d + 2 * kv, d, count)],
    [linear(rows, d, d, count)],
    [linear(rows, inner, d, 2 * count), linear(rows, 2 * inner, d, count)],
    [linear(rows, d, inner, count)],
  ];
}

/** Causal attention over `sequences` of `length`; the queries that share a key head are rows of one product. */
function attention(config: ModelConfig, sequences: number, length: number, backward: boolean): Choice {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const size = config.hidden_size / heads;
  const rows = (heads / kvHeads) * length;
  const count = (sequences * kvHeads * config.num_hidden_layers) / 2;
  const scores = product(rows, length, size, 'NT', count); // Q·Kᵀ
  const mixed = product(rows, size, length, 'NN', count); // P·V
  const keys = product(length, size, rows, 'TN', count); // Pᵀ·dO, dSᵀ·Q
  return backward ? [[scores, mixed, scores, mixed, keys, keys]] : [[scores, mixed]];
}

/** All products of a training step: forward, gradients of inputs and weights, attention, the output layer. */
export function trainingProducts(config: ModelConfig, sequences: number, length: number): Choice[] {
  const rows = sequences * length;
  return [
    ...layers(config, rows, training),
    [training(rows, config.vocab_size, config.hidden_size, 1)],
    attention(config, sequences, length, true),
  ];
}

/** Products of running whole prompts, with the logits of their last tokens. */
export function prefillProducts(config: ModelConfig, sequences: number, length: number): Choice[] {
  return [
    ...layers(config, sequences * length, forward),
    [forward(sequences, config.vocab_size, config.hidden_size, 1)],
    attention(config, sequences, length, false),
  ];
}

/** Products of one decoding step but those with keys and values, which are bound by memory. */
export function decodingProducts(config: ModelConfig, sequences: number): Choice[] {
  return [
    ...layers(config, sequences, forward),
    [forward(sequences, config.vocab_size, config.hidden_size, 1)],
  ];
}

/** Every different product once. */
export function distinct(choices: readonly Choice[]): Product[] {
  const all = choices.flat(2).map((one) => [productName(one), one] as const);
  return [...new Map(all).values()];
}

/** Seconds of all the work when each product takes `seconds` of its name. */
export function totalSeconds(choices: readonly Choice[], seconds: ReadonlyMap<string, number>): number {
  const cost = (products: readonly CountedProduct[]) =>
    products.reduce((sum, one) => sum + one.count * seconds.get(productName(one))!, 0);
  return choices.reduce((sum, ways) => sum + Math.min(...ways.map(cost)), 0);
}

/** Seconds of one call of each product by OpenBLAS, in their order, from batches of calls of about `batch` seconds. */
export async function blasSeconds(
  peer: Peer,
  products: readonly Product[],
  batch: number,
  speed = 1e11,
): Promise<number[]> {
  const calls = products.map((one) => Math.ceil((batch * speed) / floatingPointOperations(one)));
  const { seconds } = await peer.ask<{ seconds: number[] }>('gemm', {
    products: products.map((one, i) => [one.m, one.n, one.k, one.transposeA, one.transposeB, calls[i]]),
  });
  return seconds.map((all, i) => all / calls[i]!);
}

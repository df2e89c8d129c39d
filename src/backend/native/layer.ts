import type * as tf from '@tensorflow/tfjs-core';
import { rotaryFrequencies } from '../ops/rotary.ts';
import type { NativeBackend } from './backend.ts';
import { check, start } from './fused.ts';
import { gemm } from './kernels/matmul.ts';
import { floats, type KernelTable, type NativeKernel, numbers } from './registry.ts';
import { sameShape, sizeOf } from './strides.ts';

// The parts of a decoder layer but attention; see ./fused.ts.

const rmsNorm: NativeKernel = (backend, { x, weight }, { epsilon }) => {
  const [rows, size] = x!.shape as [number, number];
  check(x!.shape.length === 2 && sizeOf(weight!.shape) === size, 'rmsNorm', x, weight);
  const out = backend.output([rows, size], 'float32');
  start(backend, out.address, backend.address(x!), backend.address(weight!), rows, size, epsilon);
  backend.engine.run(backend.engine.op.rmsNorm!);
  return out;
};

/** The norm, and its input under another name: with both gradients at hand, its own adds them up in one pass. */
const rmsNormResidual: NativeKernel = (backend, inputs, attributes) => {
  const normed = rmsNorm(backend, inputs, attributes) as tf.TensorInfo;
  return [normed, backend.alias(inputs.x!)];
};

/** With `reuse`, dx takes the memory of the residual's gradient, which nobody else needs. */
const rmsNormGrad: NativeKernel = (backend, { x, weight, dy, residual }, { epsilon, reuse }) => {
  const [rows, size] = x!.shape as [number, number];
  const [px, pw, pd] = [backend.address(x!), backend.address(weight!), backend.address(dy!)];
  const added = residual === undefined ? 0 : backend.address(residual);
  const inPlace = residual !== undefined && reuse && backend.refCount(residual.dataId) === 1;
  const dx = inPlace ? backend.alias(residual) : backend.output([rows, size], 'float32');
  const dw = backend.output([size], 'float32');
  start(backend, backend.address(dx), dw.address, px, pw, pd, rows, size, epsilon, added);
  backend.engine.run(backend.engine.op.rmsNormGrad!);
  return [dx, dw];
};

/** Rows up to which `linear` keeps packed weights. */
const FEW_ROWS = 128;

const linear: NativeKernel = (backend, { x, weight, bias, residual }) => {
  const [rows, inputs] = x!.shape as [number, number];
  const outputs = weight!.shape[0]!;
  const flat = x!.shape.length === 2 && weight!.shape.length === 2 && weight!.shape[1] === inputs;
  check(flat && (bias === undefined || sizeOf(bias.shape) === outputs), 'linear', x, weight, bias);
  const added = residual === undefined || sameShape(residual.shape, [rows, outputs]);
  check(added, 'linear with a residual', x, weight, residual);
  const out = backend.output([rows, outputs], 'float32');
  const offset = bias === undefined ? 0 : backend.address(bias);
  const [px, pw] = [backend.address(x!), backend.address(weight!)];
  const addend = residual === undefined ? 0 : backend.address(residual);
  // Few rows come again and again with the same weights (decoding): packing them anew would cost as much as the product.
  const constantB = rows <= FEW_ROWS;
  const epilogue = { bias: offset, addend, constantB };
  gemm(backend, rows, outputs, inputs, px, pw, out.address, false, true, epilogue);
  return out;
};

const swiglu: NativeKernel = (backend, { gate, up }) => {
  check(sameShape(gate!.shape, up!.shape), 'swiglu', gate, up);
  const out = backend.output(gate!.shape, 'float32');
  const size = sizeOf(gate!.shape);
  start(backend, out.address, backend.address(gate!), backend.address(up!), size);
  backend.engine.run(backend.engine.op.swiglu!);
  return out;
};

const swigluGrad: NativeKernel = (backend, { gate, up, dy }) => {
  const dGate = backend.output(gate!.shape, 'float32');
  const dUp = backend.output(gate!.shape, 'float32');
  const size = sizeOf(gate!.shape);
  const [pg, pu, pd] = [backend.address(gate!), backend.address(up!), backend.address(dy!)];
  start(backend, dGate.address, dUp.address, pg, pu, pd, size);
  backend.engine.run(backend.engine.op.swigluGrad!);
  return [dGate, dUp];
};

/** Cosines and sines of every position so far seen, [capacity, 2, size/2], per (size, base). */
interface RotaryTable {
  address: number;
  capacity: number;
}
const rotaryTables = new WeakMap<NativeBackend, Map<string, RotaryTable>>();

/** The table that rotary and decodeStep read, of at least `atLeast` positions. */
export function rotaryTable(
  backend: NativeBackend,
  size: number,
  base: number,
  atLeast: number,
): RotaryTable {
  let tables = rotaryTables.get(backend);
  if (tables === undefined) {
    tables = new Map();
    rotaryTables.set(backend, tables);
  }
  const key = `${size} ${base}`;
  const held = tables.get(key);
  if (held !== undefined && held.capacity >= atLeast) return held;
  const capacity = Math.max(256, 2 ** Math.ceil(Math.log2(atLeast)));
  const frequencies = rotaryFrequencies(size, base);
  const half = size / 2;
  const values = new Float32Array(capacity * size);
  for (let p = 0; p < capacity; p++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(p * frequencies[i]!);
      values[p * size + i] = Math.cos(angle);
      values[p * size + half + i] = Math.sin(angle);
    }
  }
  // The old one is released last: without memory for the new one it stays in use.
  const table = { address: backend.engine.allocate(Math.max(64, values.byteLength)), capacity };
  backend.engine.write(table.address, values);
  tables.set(key, table);
  if (held !== undefined) backend.engine.release(held.address);
  return table;
}

/** Runs an operation that answers −1, or with the greatest position when the table does not reach it. */
function withRotaryTable(
  backend: NativeBackend,
  size: number,
  base: number,
  run: (table: RotaryTable) => number,
): void {
  const missing = run(rotaryTable(backend, size, base, 1));
  if (missing >= 0) run(rotaryTable(backend, size, base, missing + 1));
}

const rotary: NativeKernel = (backend, { x, positions }, { base, direction }) => {
  const [rows, heads, size] = x!.shape as [number, number, number];
  check(x!.shape.length === 3 && size % 2 === 0 && sizeOf(positions!.shape) === rows, 'rotary', x, positions);
  const out = backend.output([rows, heads, size], 'float32');
  const [px, pp] = [backend.address(x!), backend.address(positions!)];
  withRotaryTable(backend, size, base, (table) => {
    start(backend, out.address, px, table.address, pp, rows, heads, size, direction, table.capacity);
    return backend.engine.run(backend.engine.op.rotary!);
  });
  return out;
};

const qkvProjection: NativeKernel = (backend, inputs, { heads, kvHeads, base }) => {
  const { x, wq, bq, wk, bk, wv, bv, positions } = inputs as Record<string, tf.TensorInfo>;
  const [rows, width] = x!.shape as [number, number];
  const size = wq!.shape[0]! / heads;
  const fits = (weight: tf.TensorInfo, bias: tf.TensorInfo, count: number) =>
    sameShape(weight.shape, [count * size, width]) && sizeOf(bias.shape) === count * size;
  check(
    fits(wq!, bq!, heads) && fits(wk!, bk!, kvHeads) && fits(wv!, bv!, kvHeads) && size % 2 === 0,
    'qkvProjection',
    ...[x, wq, bq, wk, bk, wv, bv],
  );
  check(sizeOf(positions!.shape) === rows, 'qkvProjection', x, positions);
  const outputs = [heads, kvHeads, kvHeads].map((n) => backend.output([rows, n, size], 'float32'));
  const given = [x, wq, bq, wk, bk, wv, bv].map((tensor) => backend.address(tensor!));
  const at = backend.address(positions!);
  withRotaryTable(backend, size, base, (table) => {
    const out = outputs.map(({ address }) => address);
    start(backend, ...out, ...given, table.address, at, rows, width, heads, kvHeads, size, table.capacity);
    return backend.engine.run(backend.engine.op.qkvProjection!);
  });
  return outputs;
};

const qkvProjectionGrad: NativeKernel = (backend, inputs, { heads, kvHeads, base }) => {
  const { x, wq, wk, wv, positions, dq, dk, dv } = inputs as Record<string, tf.TensorInfo>;
  const [rows, width] = x!.shape as [number, number];
  const size = wq!.shape[0]! / heads;
  const like = (shape: number[]) => backend.output(shape, 'float32');
  const outputs = [like(x!.shape)];
  for (const weight of [wq!, wk!, wv!]) outputs.push(like(weight.shape), like([weight.shape[0]!]));
  const given = [x, wq, wk, wv, dq, dk, dv].map((tensor) => backend.address(tensor!));
  const at = backend.address(positions!);
  const { address } = rotaryTable(backend, size, base, 1); // reaches as far as the forward pass needed
  const out = outputs.map((output) => output.address);
  start(backend, ...out, ...given, address, at, rows, width, heads, kvHeads, size);
  backend.engine.run(backend.engine.op.qkvProjectionGrad!);
  return outputs;
};

const gatedFeedForward: NativeKernel = (backend, { x, gate, up, down, residual }) => {
  const [rows, width] = x!.shape as [number, number];
  const inner = gate!.shape[0]!;
  const fits = [gate!, up!].every(({ shape }) => sameShape(shape, [inner, width]));
  check(fits && sameShape(down!.shape, [width, inner]), 'gatedFeedForward', x, gate, up, down);
  check(residual === undefined || sameShape(residual.shape, [rows, width]), 'gatedFeedForward', x, residual);
  const out = backend.output([rows, width], 'float32');
  // Both products, for the gradient, and what they gate, only for now.
  const [gateProduct, upProduct, gated] = [0, 1, 2].map(() => backend.workspace(rows * inner));
  const between = [gateProduct!, upProduct!, gated!].map(({ address }) => address);
  const given = [x, gate, up, down].map((tensor) => backend.address(tensor!));
  const added = residual === undefined ? 0 : backend.address(residual);
  start(backend, out.address, ...between, ...given, added, rows, width, inner);
  backend.engine.run(backend.engine.op.gatedFeedForward!);
  backend.disposeData(gated!.dataId);
  return [out, gateProduct!, upProduct!];
};

/** With `reuse`, the gradients of the products take their memory. */
const gatedFeedForwardGrad: NativeKernel = (backend, inputs, { reuse }) => {
  const { x, gate, up, down, gateProduct, upProduct, dy } = inputs as Record<string, tf.TensorInfo>;
  const [rows, width] = x!.shape as [number, number];
  const inner = gate!.shape[0]!;
  const gradients = [x!, gate!, up!, down!].map(({ shape }) => backend.output(shape, 'float32'));
  const products = [backend.address(gateProduct!), backend.address(upProduct!)];
  const borrowed = (reuse ? [0] : [0, 1, 2]).map(() => backend.workspace(rows * inner));
  const memory = borrowed.map(({ address }) => address);
  const between = reuse ? [...products, ...memory] : memory;
  const given = [x, gate, up, down].map((tensor) => backend.address(tensor!));
  const out = gradients.map(({ address }) => address);
  start(backend, ...out, ...given, ...products, backend.address(dy!), rows, width, inner, ...between);
  backend.engine.run(backend.engine.op.gatedFeedForwardGrad!);
  for (const { dataId } of borrowed) backend.disposeData(dataId);
  return gradients;
};

export const layerKernels: KernelTable = {
  InterplayRmsNorm: { types: floats, run: rmsNorm },
  InterplayRmsNormResidual: { types: floats, run: rmsNormResidual },
  InterplayRmsNormGrad: { types: floats, run: rmsNormGrad },
  InterplayLinear: { types: floats, run: linear },
  InterplaySwiglu: { types: floats, run: swiglu },
  InterplaySwigluGrad: { types: floats, run: swigluGrad },
  InterplayRotary: { types: numbers, run: rotary },
  InterplayQkvProjection: { types: numbers, run: qkvProjection },
  InterplayQkvProjectionGrad: { types: numbers, run: qkvProjectionGrad },
  InterplayGatedFeedForward: { types: floats, run: gatedFeedForward },
  InterplayGatedFeedForwardGrad: { types: floats, run: gatedFeedForwardGrad },
};

import * as tf from '@tensorflow/tfjs-core';
import { inOwnWalk } from '../gradients.ts';
import { runFused } from './fused.ts';

type GradientConfig = Parameters<typeof tf.registerGradient>[0];

/** Kernels that give several gradients at once run when the first is asked for; the tape asks for what it needs. */
const gradients: GradientConfig[] = [
  {
    kernelName: 'InterplayEmbedding',
    inputsToSave: ['table', 'ids'],
    gradFunc: (dy, [table, ids]) => ({
      table: () =>
        tf
          .engine()
          .runKernel(
            'UnsortedSegmentSum',
            { x: dy as tf.Tensor, segmentIds: ids! },
            { numSegments: table!.shape[0]! },
          ) as tf.Tensor,
      ids: noGradient('embedding ids'),
    }),
  },
  {
    kernelName: 'InterplayRmsNorm',
    inputsToSave: ['x', 'weight'],
    gradFunc: (dy, [x, weight], attributes) => {
      const [dx, dw] = both('RmsNormGrad', { x: x!, weight: weight!, dy: dy as tf.Tensor }, attributes);
      return { x: () => dx!, weight: () => dw! };
    },
  },
  {
    kernelName: 'InterplayRmsNormResidual',
    inputsToSave: ['x', 'weight'],
    gradFunc: (dys, [x, weight], attributes) => {
      const [dy, residual] = dys as tf.Tensor[];
      const [dx, dw] = both(
        'RmsNormGrad',
        { x: x!, weight: weight!, dy: dy!, residual: residual! },
        { ...attributes, reuse: inOwnWalk() && !residual!.kept },
      );
      return { x: () => dx!, weight: () => dw! };
    },
  },
  {
    kernelName: 'InterplayLinear',
    inputsToSave: ['x', 'weight'],
    gradFunc: (dy, [x, weight]) => ({
      x: () => product(dy as tf.Tensor, weight!, false), // [T, O] · [O, I]
      weight: () => product(dy as tf.Tensor, x!, true), // [T, O]ᵀ · [T, I]
      bias: () => tf.sum(dy as tf.Tensor, 0),
      residual: () => (dy as tf.Tensor).clone(),
    }),
  },
  {
    kernelName: 'InterplaySwiglu',
    inputsToSave: ['gate', 'up'],
    gradFunc: (dy, [gate, up]) => {
      const [dGate, dUp] = both('SwigluGrad', { gate: gate!, up: up!, dy: dy as tf.Tensor });
      return { gate: () => dGate!, up: () => dUp! };
    },
  },
  {
    kernelName: 'InterplayQkvProjection',
    inputsToSave: ['x', 'wq', 'wk', 'wv', 'positions'],
    gradFunc: (dys, [x, wq, wk, wv, positions], attributes) => {
      const [dq, dk, dv] = dys as tf.Tensor[];
      const inputs = { x: x!, wq: wq!, wk: wk!, wv: wv!, positions: positions!, dq: dq!, dk: dk!, dv: dv! };
      const results = both('QkvProjectionGrad', inputs, attributes);
      const names = ['x', 'wq', 'bq', 'wk', 'bk', 'wv', 'bv'];
      return {
        ...Object.fromEntries(names.map((name, i) => [name, () => results[i]!])),
        positions: noGradient('rotary positions'),
      };
    },
  },
  {
    kernelName: 'InterplayGatedFeedForward',
    inputsToSave: ['x', 'gate', 'up', 'down'],
    outputsToSave: [false, true, true],
    gradFunc: (dys, [x, gate, up, down, gateProduct, upProduct]) => {
      const dy = (dys as tf.Tensor[])[0]!;
      const weights = { gate: gate!, up: up!, down: down! };
      const inputs = { x: x!, ...weights, gateProduct: gateProduct!, upProduct: upProduct!, dy };
      const [dx, dGate, dUp, dDown] = both('GatedFeedForwardGrad', inputs, { reuse: inOwnWalk() });
      return {
        x: () => dx!,
        gate: () => dGate!,
        up: () => dUp!,
        down: () => dDown!,
        residual: () => dy.clone(),
      };
    },
  },
  {
    // A rotation: the gradient turns back.
    kernelName: 'InterplayRotary',
    inputsToSave: ['positions'],
    gradFunc: (dy, [positions], attributes) => ({
      x: () =>
        runFused(
          'Rotary',
          { x: dy as tf.Tensor, positions: positions! },
          { ...attributes, direction: -(attributes.direction as number) },
        ) as tf.Tensor,
      positions: noGradient('rotary positions'),
    }),
  },
  {
    kernelName: 'InterplayAttention',
    inputsToSave: ['q', 'k', 'v'],
    outputsToSave: [true, true],
    gradFunc: (dy, [q, k, v, out, lse], attributes) => {
      const inputs = { q: q!, k: k!, v: v!, out: out!, lse: lse!, dy: (dy as tf.Tensor[])[0]! };
      const [dq, dk, dv] = both('AttentionGrad', inputs, attributes);
      return { q: () => dq!, k: () => dk!, v: () => dv! };
    },
  },
  {
    kernelName: 'InterplayLinearCrossEntropy',
    inputsToSave: ['hidden', 'head', 'targets'],
    outputsToSave: [false, true, true, true],
    gradFunc: (dys, [hidden, head, targets, lse, means, logits], attributes) => {
      const [dNll, dLse, dMeans] = dys as tf.Tensor[];
      const saved = {
        hidden: hidden!,
        head: head!,
        targets: targets!,
        lse: lse!,
        means: means!,
        logits: logits!,
      };
      const [dHidden, dHead] = both(
        'LinearCrossEntropyGrad',
        { ...saved, dNll: dNll!, dLse: dLse!, dMeans: dMeans! },
        { ...attributes, reuse: inOwnWalk() },
      );
      return { hidden: () => dHidden!, head: () => dHead!, targets: noGradient('targets') };
    },
  },
];

let registered = false;

export function registerFusedGradients(): void {
  if (registered) return;
  registered = true;
  for (const gradient of gradients) tf.registerGradient(gradient);
}

function both(
  name: string,
  inputs: Record<string, tf.Tensor>,
  attributes: Record<string, unknown> = {},
): tf.Tensor[] {
  return runFused(name, inputs, attributes) as tf.Tensor[];
}

function product(a: tf.Tensor, b: tf.Tensor, transposeA: boolean): tf.Tensor {
  return tf.engine().runKernel('BatchMatMul', { a, b }, { transposeA, transposeB: false });
}

function noGradient(what: string): () => tf.Tensor {
  return () => {
    throw new Error(`${what} are not differentiable`);
  };
}

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { runInThisContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { internalError, writeFileAtomically } from '../core/index.ts';
import { addInPlace } from './native/fused.ts';

let registered = false;

/**
 * Registers tfjs's gradients. tfjs-core's Node bundle leaves them out (only the 150 MB umbrella package has them) and
 * its module files are not importable as they stand (no extensions, no `type`): esbuild makes one file of them, once
 * per installation. The second copy of tfjs's operations in it is harmless: engine and registries are global.
 */
export function registerGradients(): void {
  if (registered) return;
  const require = createRequire(import.meta.url);
  const core = path.dirname(require.resolve('@tensorflow/tfjs-core/package.json'));
  const { version } = require('@tensorflow/tfjs-core/package.json') as { version: string };
  const file = path.join(core, '../../.cache/interplay', `tfjs-gradients-${version}.cjs`);
  const run = runInThisContext(`(function (require) {${bundledGradients(file, core)}\n})`, {
    filename: file,
  });
  (run as (require: NodeJS.Require) => void)(require);
  registered = true;
}

function bundledGradients(file: string, core: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not made yet, or not readable.
  }
  // Loaded here, since it is needed once.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const modules = ['register_all_gradients', 'public/chained_ops/register_all_chained_ops'];
  const { outputFiles } = buildSync({
    stdin: {
      // Some gradients call methods such as x.reshape(), which are registered apart, too.
      contents: modules.map((name) => `require('./dist/${name}.js');`).join('\n'),
      resolveDir: core,
    },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    minify: true,
    legalComments: 'none',
    logLevel: 'silent',
    write: false,
  });
  const text = outputFiles[0]!.text;
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileAtomically(file, text);
  } catch {
    // Where the installation cannot be written to, it is made again by each process.
  }
  return text;
}

/** One recorded operation, as tfjs-core 4.22 keeps it. */
interface TapeNode {
  kernelName: string;
  /** An object, or an array for operations on lists. */
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  /** Clones, kept alive for the gradient alone. */
  saved: tf.Tensor[];
  gradient?: (upstream: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

/** The part of tfjs's engine that records; private in its types. */
interface RecordingEngine {
  state: { activeTape: TapeNode[] | null; gradientDepth: number };
  nextTensorId(): number;
}

function recordingEngine(): RecordingEngine {
  return tf.engine() as unknown as RecordingEngine;
}

/** The tape being walked. By this and not by a count, since a cell of the kernel may be cut off anywhere. */
let walked: TapeNode[] | undefined;

/**
 * Whether the gradient function that asks runs in a walk of this file: it runs once only, so that it may overwrite
 * what was saved for it and upstream gradients whose memory is not shared.
 */
export function inOwnWalk(): boolean {
  return walked !== undefined && recordingEngine().state.activeTape === walked && tapeIsClosed();
}

/** Whether operations are being recorded for a gradient. */
export function isRecording(): boolean {
  return !tapeIsClosed();
}

function tapeIsClosed(): boolean {
  return recordingEngine().state.gradientDepth === 0;
}

/**
 * Value and gradients of a loss, as `tf.variableGrads` computes them, in far less memory: tfjs keeps every
 * intermediate gradient and every saved activation until the whole tape has been walked; here each is freed after its
 * last use, so that a step needs the activations of its forward pass and little more, in blocks still warm.
 *
 * Inside another recording (higher derivatives) it is `tf.variableGrads` itself.
 *
 * @param loss computes a scalar from the variables; what it makes on the way is freed
 * @param variables by any names; each must be trainable
 * @returns the loss and a gradient for each name, zeros where the loss does not depend on the variable. The caller
 *   disposes of them, or `tf.tidy` does.
 * @throws an error when the loss depends on none of the variables or is no scalar, as tfjs does
 */
export function variableGradients(
  loss: () => tf.Scalar,
  variables: ReadonlyMap<string, tf.Variable>,
): { value: tf.Scalar; gradients: Map<string, tf.Tensor> } {
  const list = [...variables.values()];
  let value: tf.Tensor;
  let found: (tf.Tensor | undefined)[];
  if (tapeIsClosed()) {
    [value, found] = walk(loss, list, undefined);
  } else {
    const { value: nested, grads } = tf.variableGrads(loss, list);
    value = nested;
    found = list.map((variable) => grads[variable.name]);
  }
  const fault =
    value.rank !== 0
      ? `the loss must be a scalar, not a tensor of shape [${value.shape}]`
      : found.every((gradient) => gradient === undefined)
        ? 'the loss depends on none of the variables'
        : undefined;
  if (fault !== undefined) {
    tf.dispose([value, ...found.filter((gradient) => gradient !== undefined)]);
    throw internalError(`variableGradients: ${fault}`);
  }
  const gradients = new Map<string, tf.Tensor>();
  [...variables.keys()].forEach((name, i) => {
    gradients.set(name, found[i] ?? tf.zerosLike(list[i]!));
  });
  return { value: value as tf.Scalar, gradients };
}

/**
 * A part of a model whose intermediates are not kept for the gradient but computed again when it is needed
 * (Chen et al. 2016): memory of its input alone, for one more forward pass of it. Values and gradients are the same
 * bits as without.
 *
 * @param part a function of `inputs` and `variables` alone, computing one tensor
 * @param inputs every other tensor that `part` uses; gradients flow to those of type float32
 * @param variables every variable that `part` uses
 */
export function recomputed(
  part: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  variables: readonly tf.Variable[],
): tf.Tensor {
  // What the part merely passes on gets a name of its own, as every result of an operation.
  const compute = (...tensors: tf.Tensor[]): tf.Tensor => {
    const result = part(...tensors);
    return [...tensors, ...variables].some(({ id }) => id === result.id) ? tf.clone(result) : result;
  };
  if (tapeIsClosed()) return tf.tidy(() => compute(...inputs));
  const operation = tf.customGrad((...given) => {
    const save = given.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const tensors = (given as tf.Tensor[]).slice(0, inputs.length);
    save(tensors);
    return {
      value: compute(...tensors),
      gradFunc: (upstream: tf.Tensor, saved: tf.Tensor[]) => {
        if (!tapeIsClosed()) {
          throw internalError('recomputed: no second derivatives through recomputed activations');
        }
        const wanted = [...saved, ...variables].filter(({ dtype }) => dtype === 'float32');
        const [value, found] = walk(() => compute(...saved), wanted, upstream);
        value.dispose();
        const gradients = new Map(wanted.map((tensor, i) => [tensor, found[i]]));
        return [...saved, ...variables].map((tensor) => gradients.get(tensor) ?? tf.zerosLike(tensor));
      },
    };
  });
  return operation(...inputs, ...(variables as readonly tf.Tensor[] as tf.Tensor[]));
}

/**
 * Records `compute` and walks its tape backwards from `upstream` (by default ones) to `xs`; undefined where the value
 * does not depend on x. May be called by a gradient function of such a walk (recomputation), but not while a tape
 * records.
 *
 * What is recorded stays the engine's active tape, under what an outer walk has left, until it is used up: a cell of
 * the kernel that is cut off finds all that is set aside there.
 */
function walk(
  compute: () => tf.Tensor,
  xs: readonly tf.Tensor[],
  upstream: tf.Tensor | undefined,
): [tf.Tensor, (tf.Tensor | undefined)[]] {
  const engine = recordingEngine();
  const { state } = engine;
  const tape = state.activeTape ?? [];
  const base = tape.length;
  const owned = new Map<number, tf.Tensor>(); // gradient by id of the tensor it is of; ours to free
  const first = engine.nextTensorId();
  const outer = walked;
  let value: tf.Tensor | undefined;
  try {
    let y: tf.Tensor;
    state.activeTape = tape;
    state.gradientDepth++;
    try {
      y = tf.tidy('forward', compute as () => tf.Tensor);
    } finally {
      state.gradientDepth--;
    }
    if (!(y instanceof tf.Tensor)) throw internalError('the loss must return a tensor');
    value = y.id < first || y.kept ? y.clone() : y; // not the caller's own: it is freed with the gradients
    const connected = connectedNodes(tape.slice(base), xs, y);
    for (let i = base; i < tape.length; i++) if (!connected.has(tape[i]!)) free(tape[i]!);
    const results = tf.tidy('backward', () => {
      owned.set(y.id, upstream === undefined ? tf.onesLike(y) : upstream.clone());
      for (let i = tape.length - 1; i >= base; i--) {
        walked = state.activeTape = tape; // a gradient function may have taken a gradient of its own
        const node = tape[i]!;
        const inputs = connected.get(node);
        if (inputs !== undefined) {
          backward(node, inputs, owned, engine);
          // All uses of the outputs come later on the tape, so nothing more will be added to their gradients.
          for (const { id } of node.outputs) {
            const gradient = owned.get(id);
            if (gradient !== undefined && !gradient.kept) gradient.dispose();
            owned.delete(id);
          }
        }
        free(node);
        tape.length = i;
      }
      const taken = new Set<tf.Tensor>();
      return xs.map(({ id }) => {
        const gradient = owned.get(id);
        if (gradient === undefined) return gradient;
        const result = taken.has(gradient) ? gradient.clone() : gradient;
        taken.add(result);
        return result;
      }) as tf.Tensor[];
    });
    return [value, results];
  } catch (error) {
    value?.dispose();
    throw error;
  } finally {
    walked = outer;
    for (const node of tape.splice(base)) free(node);
    state.activeTape = base === 0 ? null : tape;
  }
}

function free(node: TapeNode): void {
  for (const tensor of node.saved) tensor.dispose();
  node.saved = [];
}

/** The nodes on a path from xs to y, with the names of those inputs that are on one. */
function connectedNodes(
  tape: readonly TapeNode[],
  xs: readonly tf.Tensor[],
  y: tf.Tensor,
): Map<TapeNode, string[]> {
  const fromX = new Set(xs.map(({ id }) => id));
  const inputsFromX = tape.map((node) => {
    const names = Object.keys(node.inputs).filter((name) => {
      const input = node.inputs[name] as tf.Tensor | undefined | null;
      return input != null && fromX.has(input.id);
    });
    if (names.length > 0) for (const { id } of node.outputs) fromX.add(id);
    return names;
  });
  const toY = new Set([y.id]);
  const connected = new Map<TapeNode, string[]>();
  for (let i = tape.length - 1; i >= 0; i--) {
    const node = tape[i]!;
    const names = inputsFromX[i]!;
    if (names.length === 0 || !node.outputs.some(({ id }) => toY.has(id))) continue;
    connected.set(node, names);
    for (const name of names) toY.add(node.inputs[name]!.id);
  }
  return connected;
}

/** Adds what one node contributes to the gradients of its inputs. */
function backward(
  node: TapeNode,
  names: readonly string[],
  owned: Map<number, tf.Tensor>,
  engine: RecordingEngine,
): void {
  const upstream = node.outputs.map(({ id }) => owned.get(id) ?? null);
  if (node.gradient === undefined || node.gradient === null) {
    throw internalError(`no gradient is registered for ${node.kernelName}`);
  }
  const before = engine.nextTensorId();
  const contributions = tf.tidy(() => {
    const functions = node.gradient!(upstream);
    const seen = new Set<tf.Tensor>();
    return names.map((name) => {
      const compute = functions[name];
      if (compute === undefined)
        throw internalError(`${node.kernelName} has no gradient of its input ${name}`);
      const gradient = tf.tidy(compute);
      const { shape } = node.inputs[name]!;
      if (gradient.dtype !== 'float32' || !tf.util.arraysEqual(gradient.shape, shape)) {
        throw internalError(
          `the gradient of input ${name} [${shape}] of ${node.kernelName} is a ${gradient.dtype} [${gradient.shape}]`,
        );
      }
      // Some gradients are the upstream gradient itself, something saved, or the caller's own: ours must be freed alone.
      const foreign = gradient.id < before || gradient.kept || seen.has(gradient);
      seen.add(gradient);
      return foreign ? gradient.clone() : gradient;
    });
  });
  names.forEach((name, i) => {
    const { id } = node.inputs[name]!;
    const term = contributions[i]!;
    const sum = owned.get(id);
    owned.set(id, sum === undefined ? term : accumulate(sum, term));
  });
}

/** sum + term, in the memory of one of them where nothing else uses it; both are used up. */
function accumulate(sum: tf.Tensor, term: tf.Tensor): tf.Tensor {
  // What a gradient function keeps with tf.keep is its own from then on.
  const free = (tensor: tf.Tensor) => {
    if (!tensor.kept) tensor.dispose();
  };
  if (!sum.kept && addInPlace(sum, term)) {
    free(term);
    return sum;
  }
  if (!term.kept && addInPlace(term, sum)) {
    free(sum);
    return term;
  }
  const total = tf.add(sum, term);
  free(sum);
  free(term);
  return total;
}

import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { CountedBackend, type CountedEntry, type DataId } from '../counted.ts';
import type { Connection, KernelResult, RemoteTensor } from './connection.ts';

type TypedArray = Float32Array | Int32Array | Uint8Array;

/** One tensor's data: its number on the device's side, or strings, which stay here. */
interface Entry extends CountedEntry {
  id: number;
  dtype: tf.DataType;
  strings: Uint8Array[] | undefined;
}

/** What a kernel gives: a list or one tensor, each of new data (-1) or of those of the input at this place. */
interface Expected {
  list: boolean;
  outputs: { input: number; shape: number[]; dtype: tf.DataType }[];
}

/** By name, some perhaps left out, or a list. */
export type KernelInputs = Record<string, tf.TensorInfo | undefined> | tf.TensorInfo[];

/** Memory of the device. */
export interface WebgpuMemory {
  unreliable: boolean;
  numBytesInGPU: number;
  numBytesAllocatedInGPU: number;
  /** Tensors that the device's thread holds. */
  tensors: number;
}

/** More than any kernel has outputs. */
const MOST_OUTPUTS = 2 ** 20;
/** Signatures kept; those of a training run are a few hundred for each shape of batch. */
const MOST_SIGNATURES = 20_000;

/**
 * The tfjs backend whose tensors live with the WebGPU device's thread. Shape and type of a kernel's outputs follow
 * from its inputs' and its attributes: known from one call, they need not be waited for at the next, so that the
 * device stays ahead of JavaScript.
 */
export class WebgpuBackend extends CountedBackend<Entry> {
  private readonly expected = new Map<string, Expected>();
  private nextId = 1;

  constructor(readonly connection: Connection) {
    super();
  }

  /** Runs a kernel of the device's thread. */
  run(name: string, inputs: KernelInputs, attributes: unknown): tf.TensorInfo | tf.TensorInfo[] {
    const given: tf.TensorInfo[] = [];
    const remote = Array.isArray(inputs) ? [] : {};
    for (const [key, input] of Object.entries(inputs)) {
      if (input == null) continue;
      given.push(input);
      (remote as Record<string, RemoteTensor>)[key] = this.remote(input);
    }
    const signature = `${name} ${JSON.stringify(attributes)} ${JSON.stringify(remote, withoutNumbers)}`;
    const command = { kind: 'kernel', name, inputs: remote, attributes, first: this.nextId } as const;
    const known = this.expected.get(signature);
    if (known !== undefined) {
      this.nextId += known.outputs.length;
      this.connection.send(command);
      return this.outputs(known, given, command.first);
    }
    this.nextId += MOST_OUTPUTS; // before waiting, which may be cut off
    const { list, outputs } = this.connection.ask<KernelResult>(command);
    const ids = given.map(({ dataId }) => this.storage.get(dataId).id);
    const result = {
      list,
      outputs: outputs.map(({ id, shape, dtype }) => ({ input: ids.indexOf(id), shape, dtype })),
    };
    if (this.expected.size >= MOST_SIGNATURES) this.expected.clear();
    if (!valueDependent.has(name)) this.expected.set(signature, result);
    return this.outputs(result, given, command.first);
  }

  /** Tensors for the outputs of a kernel; new data are numbered in order from `next` on. */
  private outputs(
    { list, outputs }: Expected,
    given: readonly tf.TensorInfo[],
    next: number,
  ): tf.TensorInfo | tf.TensorInfo[] {
    let id = next;
    const tensors = outputs.map(({ input, shape, dtype }) =>
      input < 0 ? this.created(id++, shape, dtype) : this.shared(given[input]!, shape, dtype),
    );
    return list ? tensors : tensors[0]!;
  }

  private remote({ dataId, shape, dtype }: tf.TensorInfo): RemoteTensor {
    return { id: this.storage.get(dataId).id, shape, dtype };
  }

  private created(id: number, shape: number[], dtype: tf.DataType): tf.TensorInfo {
    const dataId = {};
    this.storage.set(dataId, { id, dtype, refCount: 1, strings: undefined });
    return { dataId, shape: shape.slice(), dtype };
  }

  /** The data of a tensor under another one; a type of which every value is one of the other's needs no conversion. */
  shared({ dataId }: tf.TensorInfo, shape: number[], dtype: tf.DataType): tf.TensorInfo {
    this.storage.get(dataId).refCount++; // moves it here when another backend held it
    return { dataId, shape: shape.slice(), dtype };
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: DataId,
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    const id = this.nextId++;
    const strings = dtype === 'string' ? (values as Uint8Array[]) : undefined;
    if (strings === undefined) {
      this.connection.send({ kind: 'write', id, values: copied(values as TypedArray, dtype), shape, dtype });
    }
    this.storage.set(dataId, { id, dtype, refCount, strings });
  }

  override readSync(dataId: DataId): tf.backend_util.BackendValues {
    const { id, dtype, strings } = this.storage.get(dataId);
    if (strings !== undefined) return strings;
    const values = this.connection.ask<TypedArray>({ kind: 'read', id });
    return dtype === 'bool' && !(values instanceof Uint8Array) ? new Uint8Array(values) : values;
  }

  protected override free({ id, strings }: Entry): void {
    if (strings === undefined) this.connection.send({ kind: 'free', id });
  }

  override memory(): WebgpuMemory {
    return this.connection.ask<WebgpuMemory>({ kind: 'memory' });
  }

  override async time(work: () => void): Promise<tf.BackendTimingInfo> {
    const start = tf.util.now();
    work();
    this.memory(); // answered when all before it has been handed to the device
    return { kernelMs: tf.util.now() - start };
  }
}

/** Kernels whose outputs' shapes depend on values. */
const valueDependent: ReadonlySet<string> = new Set([
  'NonMaxSuppressionV3',
  'NonMaxSuppressionV5',
  'SparseSegmentMean',
  'SparseSegmentSum',
]);

/** For a signature: which data it is does not matter. */
function withoutNumbers(key: string, value: unknown): unknown {
  return key === 'id' ? undefined : value;
}

/** A copy in the type that a dtype is stored in, to be handed to the other thread. */
function copied(values: TypedArray, dtype: tf.DataType): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(values);
    case 'int32':
      return new Int32Array(values);
    case 'bool':
      return new Uint8Array(values);
    default:
      throw internalError(`the webgpu backend has no ${dtype} tensors here; choose the cpu backend`);
  }
}

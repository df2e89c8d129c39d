import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { CountedBackend, type CountedEntry, type DataId } from '../counted.ts';
import { type Engine, loadEngine } from './engine.ts';

type TypedArray = Float32Array | Int32Array | Uint8Array;

/** One tensor's data: an address in native memory, or strings, which stay in JavaScript. */
interface Entry extends CountedEntry {
  dtype: tf.DataType;
  address: number;
  size: number;
  strings: Uint8Array[] | undefined;
  /** Memory that stands for an empty tensor; see NativeBackend.workspace. */
  workspace?: true;
}

const bytesPerElement: Partial<Record<tf.DataType, number>> = { float32: 4, int32: 4, bool: 1 };

/** Numbers of the element types in native/src/structure.cpp. */
export const typeCode: Readonly<Record<string, number>> = { float32: 0, int32: 1, bool: 2 };

/** A tensor just made by a kernel, with the address to write its values to. */
export interface Output extends tf.TensorInfo {
  address: number;
}

/** Memory of the engine. */
export interface NativeMemory {
  unreliable: boolean;
  /** In tensors. */
  bytesInUse: number;
  /** The most in use at a time since the start (or since the engine's `trim`): the high-water mark. */
  peakBytes: number;
  /** Released and kept for reuse. */
  bytesCached: number;
  /** In packed copies of weights. */
  bytesPacked: number;
  buffers: number;
}

/**
 * The tfjs backend whose tensors live in an engine's memory: `native` on the addon, `wasm` on its WebAssembly twin.
 * Tensors are dense, row-major and never views of another's part; reshaped tensors share their data by reference
 * count.
 */
export class NativeBackend extends CountedBackend<Entry> {
  constructor(readonly engine: Engine = loadEngine()) {
    super();
  }

  /** What the kernel that now runs has made. */
  private made: DataId[] = [];

  /** Runs a kernel; when it throws, what it has made is freed. Whatever calls `output` runs in one. */
  guarded<T>(kernel: () => T): T {
    const outer = this.made;
    const mine: DataId[] = [];
    this.made = mine;
    try {
      return kernel();
    } catch (error) {
      for (const dataId of mine) this.disposeData(dataId);
      throw error;
    } finally {
      this.made = outer;
    }
  }

  /** A new tensor with undefined contents, for a kernel to fill. */
  output(shape: number[], dtype: tf.DataType): Output {
    const size = tf.util.sizeFromShape(shape);
    const address = this.engine.allocate(size * elementBytes(dtype));
    const dataId = {};
    this.storage.set(dataId, { dtype, address, size, refCount: 1, strings: undefined });
    this.made.push(dataId);
    return { dataId, shape, dtype, address };
  }

  /**
   * Memory that an operation keeps for its gradient, as one more output: to tfjs an empty tensor, so that it makes no
   * zeros for a gradient that never comes. Kept and freed like any tensor.
   */
  workspace(floats: number): Output {
    const address = this.engine.allocate(floats * 4);
    const dataId = {};
    this.storage.set(dataId, {
      dtype: 'float32',
      address,
      size: 0,
      refCount: 1,
      strings: undefined,
      workspace: true,
    });
    this.made.push(dataId);
    return { dataId, shape: [0], dtype: 'float32', address };
  }

  /** The same data under another tensor. */
  alias(tensor: tf.TensorInfo, shape: number[] = tensor.shape): tf.TensorInfo {
    this.address(tensor); // moves it here when another backend held it
    this.incRef(tensor.dataId);
    this.made.push(tensor.dataId);
    return { dataId: tensor.dataId, shape, dtype: tensor.dtype };
  }

  /** Where a tensor's data is. Moves it here first when another backend holds it. */
  address(tensor: tf.TensorInfo): number {
    return this.storage.get(tensor.dataId).address;
  }

  /** The record of a tensor's data, to be kept: its address becomes 0 when the data is freed or moves elsewhere. */
  record(tensor: tf.TensorInfo): Readonly<{ address: number }> {
    return this.storage.get(tensor.dataId);
  }

  override write(values: tf.backend_util.BackendValues, _shape: number[], dtype: tf.DataType): DataId {
    const dataId = {};
    this.storage.set(dataId, this.entry(values, dtype, 1));
    return dataId;
  }

  override move(
    dataId: DataId,
    values: tf.backend_util.BackendValues,
    _shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.storage.set(dataId, this.entry(values, dtype, refCount));
  }

  private entry(values: tf.backend_util.BackendValues, dtype: tf.DataType, refCount: number): Entry {
    if (dtype === 'string') {
      const strings = values as Uint8Array[];
      return { dtype, address: 0, size: strings.length, refCount, strings };
    }
    const array = typed(values as TypedArray, dtype);
    const address = this.engine.allocate(array.byteLength);
    this.engine.write(address, array);
    return { dtype, address, size: array.length, refCount, strings: undefined };
  }

  override readSync(dataId: DataId): tf.backend_util.BackendValues {
    const { dtype, address, size, strings, workspace } = this.storage.get(dataId);
    if (strings !== undefined) return strings;
    if (workspace) throw internalError('a gradient must be taken on the backend of its forward pass');
    const array =
      dtype === 'float32'
        ? new Float32Array(size)
        : dtype === 'int32'
          ? new Int32Array(size)
          : new Uint8Array(size);
    this.engine.read(address, array);
    return array;
  }

  protected override free(entry: Entry): void {
    if (entry.strings === undefined) this.engine.release(entry.address);
    entry.address = 0;
  }

  /** Exact, not estimates; `tf.memory()` shows these fields too. */
  override memory(): NativeMemory {
    const { memory } = this.engine;
    return {
      unreliable: false,
      bytesInUse: memory(0),
      peakBytes: memory(3),
      bytesCached: memory(1),
      bytesPacked: memory(4),
      buffers: memory(2),
    };
  }

  override async time(work: () => void): Promise<tf.BackendTimingInfo> {
    const start = tf.util.now();
    work();
    return { kernelMs: tf.util.now() - start };
  }
}

/** The current backend when it computes on one of our engines, else undefined. */
export function currentNative(): NativeBackend | undefined {
  const backend = tf.backend();
  return backend instanceof NativeBackend ? backend : undefined;
}

export function elementBytes(dtype: tf.DataType): number {
  const bytes = bytesPerElement[dtype];
  if (bytes === undefined) throw internalError(`our backends have no ${dtype} tensors`);
  return bytes;
}

/** The array type a dtype is stored in; tfjs passes others now and then (a bool as numbers). */
function typed(values: TypedArray, dtype: tf.DataType): TypedArray {
  switch (dtype) {
    case 'float32':
      return values instanceof Float32Array ? values : new Float32Array(values);
    case 'int32':
      return values instanceof Int32Array ? values : new Int32Array(values);
    case 'bool':
      return values instanceof Uint8Array ? values : new Uint8Array(values);
    default:
      throw internalError(`our backends have no ${dtype} tensors; choose the cpu backend`);
  }
}

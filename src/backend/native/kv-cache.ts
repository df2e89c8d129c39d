import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import type { NativeBackend } from './backend.ts';
import { copyStrided } from './strides.ts';

/** Keys and values in native memory, [slot, kvHead, row, Dh]: what one head reads is contiguous. */
export class NativeKvCache {
  private keys: number;
  private values: number;

  constructor(
    private readonly backend: NativeBackend,
    readonly slots: number,
    readonly capacity: number,
    private readonly kvHeads: number,
    private readonly headSize: number,
  ) {
    const bytes = slots * capacity * kvHeads * headSize * 4;
    this.keys = backend.engine.allocate(bytes);
    try {
      this.values = backend.engine.allocate(bytes);
    } catch (error) {
      backend.engine.release(this.keys);
      throw error;
    }
  }

  dispose(): void {
    if (this.keys === 0) return;
    this.backend.engine.release(this.keys);
    this.backend.engine.release(this.values);
    this.keys = 0;
    this.values = 0;
  }

  /** Whether it holds keys and values of these sizes. */
  fits(backend: NativeBackend, kvHeads: number, headSize: number): boolean {
    return backend === this.backend && kvHeads === this.kvHeads && headSize === this.headSize;
  }

  /** Writes where keys and values are into an operation's arguments. */
  writeAddresses(args: Float64Array, at: number): void {
    if (this.keys === 0) throw internalError('the key/value cache is disposed');
    args[at] = this.keys;
    args[at + 1] = this.values;
  }

  /** Prefill; see writeCache in ../ops/kv-cache.ts. */
  write(k: tf.Tensor3D, v: tf.Tensor3D, segments: Int32Array, slots: Int32Array): void {
    this.check(k);
    this.check(v);
    const { kvHeads, headSize, capacity } = this;
    const row = kvHeads * headSize;
    for (let s = 0; s < slots.length; s++) {
      const start = segments[s]! * row * 4;
      const to = slots[s]! * capacity * row * 4;
      const sizes = [kvHeads, segments[s + 1]! - segments[s]!, headSize];
      const cacheStrides = [capacity * headSize, headSize, 1];
      const strides = [headSize, row, 1];
      copyStrided(
        this.backend,
        this.keys + to,
        this.backend.address(k) + start,
        4,
        sizes,
        cacheStrides,
        strides,
      );
      copyStrided(
        this.backend,
        this.values + to,
        this.backend.address(v) + start,
        4,
        sizes,
        cacheStrides,
        strides,
      );
    }
  }

  /** See copyCacheSlot in ../ops/kv-cache.ts. */
  copy(from: number, to: Int32Array, length: number): void {
    const head = this.capacity * this.headSize * 4;
    const { args, op, run } = this.backend.engine;
    for (const slot of to) {
      for (const cache of [this.keys, this.values]) {
        args[0] = cache + slot * this.kvHeads * head;
        args[1] = cache + from * this.kvHeads * head;
        args[2] = length * this.headSize * 4;
        args[3] = this.kvHeads;
        args[4] = head;
        args[5] = head;
        run(op.copyRows!);
      }
    }
  }

  /** See attentionWithCache in ../ops/kv-cache.ts. */
  attend(
    q: tf.Tensor3D,
    k: tf.Tensor3D,
    v: tf.Tensor3D,
    lengths: Int32Array,
    slots?: Int32Array,
  ): tf.Tensor3D {
    this.check(k);
    this.check(v);
    const { backend, kvHeads, headSize } = this;
    const [batch, heads] = q.shape;
    const out = backend.guarded(() => {
      const result = backend.output(q.shape, 'float32');
      const rows = slots ?? Int32Array.from({ length: batch }, (_, b) => b);
      const { args, op, input, run } = backend.engine;
      args[0] = result.address;
      args[1] = backend.address(q);
      args[2] = backend.address(k);
      args[3] = backend.address(v);
      args[4] = this.keys;
      args[5] = this.values;
      args[6] = heads;
      args[7] = kvHeads;
      args[8] = headSize;
      args[9] = this.capacity;
      args[10] = batch;
      args[11] = input(lengths);
      args[12] = input(rows);
      if (batch > 0) run(op.cachedAttention!);
      return result;
    });
    return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor3D;
  }

  private check(x: tf.Tensor3D): void {
    if (this.keys === 0) throw internalError('the key/value cache is disposed');
    if (tf.backend() !== this.backend) throw internalError('the key/value cache is of another backend');
    if (x.shape[1] !== this.kvHeads || x.shape[2] !== this.headSize) {
      throw internalError(`cache of ${this.kvHeads} heads of ${this.headSize} got [${x.shape}]`);
    }
  }
}

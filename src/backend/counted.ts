import * as tf from '@tensorflow/tfjs-core';

/** Names a tensor's data to tfjs. */
export type DataId = object;

/** What a backend keeps of one tensor's data: how many tensors share it, and where it is. */
export interface CountedEntry {
  refCount: number;
}

/** What our backends have alike: data in the hands of an engine, shared by tensors and freed with the last of them. */
export abstract class CountedBackend<Entry extends CountedEntry> extends tf.KernelBackend {
  protected readonly storage: tf.DataStorage<Entry> = new tf.DataStorage<Entry>(this, tf.engine());

  /** Gives back what the data took; its entry is dropped next. */
  protected abstract free(entry: Entry): void;

  override async read(dataId: DataId): Promise<tf.backend_util.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.storage.has(dataId)) return true;
    const entry = this.storage.get(dataId);
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    this.free(entry);
    this.storage.delete(dataId);
    return true;
  }

  override refCount(dataId: DataId): number {
    return this.storage.has(dataId) ? this.storage.get(dataId).refCount : 0;
  }

  override incRef(dataId: DataId): void {
    this.storage.get(dataId).refCount++;
  }

  override numDataIds(): number {
    return this.storage.numDataIds();
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {}
}

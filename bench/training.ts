/** Whole training steps on random tokens, as the benchmarks need them. */
import { disposeQwen2, type Qwen2 } from '../src/model/index.ts';
import { AdamW, type PackedBatch, trainStep } from '../src/train/index.ts';

/** Sequences of a batch and tokens of a sequence, as in the speed comparisons. */
export const BATCH = 8;
export const LENGTH = 256;

export const OPTIMIZER = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clip: 1 };
export const LEARNING_RATE = 1e-4;

export class Training {
  private readonly optimizer: AdamW;

  constructor(readonly model: Qwen2) {
    this.optimizer = new AdamW(model.parameters, OPTIMIZER);
  }

  /** The step of `pretrain`: forward, backward, clipping and AdamW; the loss before the update. */
  step(batch: PackedBatch): number {
    return trainStep(this.model, this.optimizer, batch, { rate: LEARNING_RATE }).loss;
  }

  dispose(): void {
    this.optimizer.dispose();
    disposeQwen2(this.model);
  }
}

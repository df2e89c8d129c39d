/** Held-out loss, of all texts and of groups of them, so that a rare kind of task has a curve of its own. */
import * as tf from '@tensorflow/tfjs-core';
import { type Qwen2, tokenLosses } from '../model/qwen2.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { openData, type TaskKind } from './data.ts';
import type { DataConfig, Grouping, ValidationConfig } from './dataConfig.ts';
import type { LossWeights } from './objective.ts';
import { pack, toTensors } from './packing.ts';

/** A held-out text. */
export interface HeldOutText {
  ids: number[];
  kind: TaskKind;
}

/** Mean −log p per token that bears the loss, nats; NaN where there is none. */
export interface HeldOutLoss {
  mean: number;
  /** By group, like `op=2` or `context=crazy_zootopia op=2`, in order of names. */
  groups: Record<string, number>;
}

/** Held-out texts, fixed for the whole run; none when no held-out data are named. */
export function heldOutTexts(
  validation: ValidationConfig,
  data: DataConfig,
  seed: number,
  tokenizer: Tokenizer,
): HeldOutText[] {
  const { tasks: wanted, files, split } = validation;
  const own = files === undefined ? validation.data : { files };
  // The training files or shards have no part that is held out.
  if (wanted === 0 || (own === undefined && !('split' in data))) return [];
  const opened = openData(own ?? data, seed, split);
  const sequences = opened.sequences(tokenizer);
  const count = Math.min(wanted, opened.size ?? wanted);
  return Array.from({ length: count }, (_, i) => ({ ids: sequences.at(i), kind: sequences.kind(i) }));
}

/** Losses of the texts, computed in batches of at most `batchTokens` (or one text); `by` names the groups. */
export function heldOutLoss(
  model: Qwen2,
  texts: readonly HeldOutText[],
  batchTokens: number,
  by: readonly Grouping[] = [],
  weigh?: LossWeights,
): HeldOutLoss {
  const total = new Sum();
  const groups = new Map<string, Sum>();
  for (let first = 0; first < texts.length; ) {
    let end = first;
    let rows = 0;
    while (end < texts.length && (end === first || rows + texts[end]!.ids.length - 1 <= batchTokens)) {
      rows += texts[end]!.ids.length - 1;
      end++;
    }
    const part = texts.slice(first, end);
    const batch = pack(
      part.map(({ ids }) => ids),
      weigh,
    );
    const losses = tf.tidy(() => {
      const { targets, ...inputs } = toTensors(batch);
      return tokenLosses(model, inputs, targets).dataSync<'float32'>();
    });
    part.forEach(({ kind }, s) => {
      const sums = [total];
      if (by.length > 0) {
        const name = by.map((feature) => `${feature}=${kind[feature]}`).join(' ');
        if (!groups.has(name)) groups.set(name, new Sum());
        sums.push(groups.get(name)!);
      }
      for (let row = batch.segments[s]!; row < batch.segments[s + 1]!; row++) {
        const weight = batch.weights?.[row] ?? 1;
        for (const sum of sums) sum.add(losses[row]!, weight);
      }
    });
    first = end;
  }
  const names = [...groups.keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return {
    mean: total.mean,
    groups: Object.fromEntries(names.map((name) => [name, groups.get(name)!.mean])),
  };
}

/** A weighted mean. */
class Sum {
  private loss = 0;
  private weight = 0;

  add(loss: number, weight: number): void {
    this.loss += weight * loss;
    this.weight += weight;
  }

  get mean(): number {
    return this.weight === 0 ? Number.NaN : this.loss / this.weight;
  }
}

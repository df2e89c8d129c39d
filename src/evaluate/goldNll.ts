/** How likely a model finds gold solutions: their negative log-likelihood given the problem. */
import * as tf from '@tensorflow/tfjs-core';
import { type LoadedModel, tokenLosses } from '../model/index.ts';
import { type ReferenceTask, taskIds, trainingText } from '../tasks/index.ts';
import { checkLength, encodeText, lossWeights, pack, toTensors } from '../train/index.ts';

/** A line of what `interplay nll` writes. */
export interface GoldNll {
  task_id: string;
  op: number;
  template: string;
  mode: string;
  fingerprint?: string;
  /** Tokens behind `<solution>`, the end token included. */
  tokens: number;
  /** −log p of these tokens given the problem, in nats: their sum. */
  nll: number;
}

export interface GoldNllOptions {
  /** Most tokens of a batch (default 8192); a longer text is one alone. */
  batchTokens?: number;
  /** Told how many tasks are done. */
  progress?: (done: number) => void;
}

/**
 * NLL of the gold solution of each task, in their order; the letters of a solution's variables are part of it.
 * @throws LOSS_TOKENS for a tokenizer without `<solution>`, SEQUENCE_TOO_LONG beyond the model's positions
 */
export function goldNll(
  { model, tokenizer }: Pick<LoadedModel, 'model' | 'tokenizer'>,
  tasks: readonly ReferenceTask[],
  { batchTokens = 8192, progress }: GoldNllOptions = {},
): GoldNll[] {
  const weigh = lossWeights('solution', tokenizer)!;
  const ids = taskIds(tasks);
  const texts = tasks.map((task) => encodeText(trainingText(task), tokenizer));
  const positions = model.config.max_position_embeddings;
  for (const [i, text] of texts.entries()) checkLength(text.length - 1, i, positions, positions);
  const rows: GoldNll[] = [];
  for (let first = 0; first < texts.length; ) {
    let end = first + 1;
    let size = texts[first]!.length;
    while (end < texts.length && size + texts[end]!.length <= batchTokens) size += texts[end++]!.length;
    const batch = pack(texts.slice(first, end), weigh);
    const losses = tf.tidy(() => {
      const { targets, ...inputs } = toTensors(batch);
      return tokenLosses(model, inputs, targets).dataSync<'float32'>();
    });
    for (let s = 0; s < end - first; s++) {
      const { op, template, mode, fingerprint } = tasks[first + s]! as ReferenceTask & {
        fingerprint?: string;
      };
      let nll = 0;
      let tokens = 0;
      for (let row = batch.segments[s]!; row < batch.segments[s + 1]!; row++) {
        if (batch.weights![row] === 0) continue;
        nll += losses[row]!;
        tokens++;
      }
      const known = fingerprint === undefined ? {} : { fingerprint };
      rows.push({ task_id: ids[first + s]!, op, template, mode, ...known, tokens, nll });
    }
    first = end;
    progress?.(first);
  }
  return rows;
}

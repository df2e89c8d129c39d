/** Validation during a run on plain text: held-out loss, and next-token accuracy at once and after thinking. */
import { heldOutLoss, lossWeights } from '../../train/index.ts';
import { nextTokenAccuracy, type PredictedToken, predictTokens } from './accuracy.ts';
import type { RmtConfig } from './config.ts';
import { accuracyMetrics, type RmtMetrics } from './log.ts';
import type { RmtParts } from './open.ts';
import type { Opening } from './prompts.ts';

/** What a validation found: the tokens as they were predicted, and its line of numbers. */
export interface RmtValidationFound {
  rows: PredictedToken[];
  metrics: Omit<RmtMetrics, 'step'>;
}

/** Validates the model as it is, thinking behind `opening`; undefined when cancelled meanwhile. */
export async function validate(
  config: RmtConfig,
  { model, tokenizer, heldOut, close, candidates }: RmtParts,
  opening: Opening,
): Promise<RmtValidationFound | undefined> {
  const weigh = lossWeights(config.loss_on, tokenizer);
  const { mean } = heldOutLoss(model, heldOut.texts, config.micro_batch_tokens, [], weigh);
  const metrics = Number.isNaN(mean) ? {} : { validation_loss: mean };
  if (heldOut.tokens.length === 0) return { rows: [], metrics };
  const rows = await predictTokens(model, tokenizer, heldOut.tokens, {
    temperature: config.validation.temperature,
    maxResponseTokens: config.max_response_tokens,
    slots: config.slots,
    seed: config.seed,
    span: config.prediction_tokens,
    match: config.reward === 'prefix' ? 'prefix' : 'token',
    close,
    opening,
    except: candidates.except,
    mostRows: config.micro_batch_tokens,
  });
  if (rows === undefined) return undefined;
  return { rows, metrics: { ...metrics, ...accuracyMetrics(nextTokenAccuracy(rows, config.seed)) } };
}

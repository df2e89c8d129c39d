/** What a run works with, opened and checked before anything is written. */
import { userError } from '../core/errors.ts';
import { parameterCount } from '../model/config.ts';
import { loadModel } from '../model/files.ts';
import { disposeQwen2, type Qwen2 } from '../model/qwen2.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type AdamW, openAdamW } from '../train/adamw.ts';
import type { Disposable } from '../train/session.ts';
import { checkFinite } from '../train/start.ts';
import type { GrpoConfig } from './config.ts';
import { openRecipe, type Recipe, type RlPrompt } from './recipes.ts';
import { openRewards, type RewardFunction, type RunRewards } from './rewards.ts';
import { heldOutPrompts } from './validation.ts';

/** What is known of a run before its first step; kept in env.json. */
export interface GrpoFacts {
  parameters: number;
  parameters_without_embedding: number;
  /** Different training tasks, where they are a set, and those left out of it as their prompts are too long. */
  tasks?: number;
  tasks_left_out?: number;
  validation_tasks: number;
}

/** The parts of a run. */
export interface RunParts {
  model: Qwen2;
  tokenizer: Tokenizer;
  optimizer: AdamW;
  /** A copy of the start; absent where the objective has none. */
  reference: Qwen2 | undefined;
  recipe: Recipe;
  rewards: RunRewards;
  heldOut: RlPrompt[];
  /** Hashes of what is read besides the settings: modules of rewards, and the model folder where it was read. */
  inputs: Record<string, string>;
  facts: GrpoFacts;
}

/**
 * Opens them; tensors are put into `owned` as they are made.
 * @param resumed checkpoint that the policy is taken from instead of `init`
 * @throws CONFIG, and the errors of models, rewards and tasks
 */
export async function openParts(
  config: GrpoConfig,
  resumed: string | undefined,
  own: Readonly<Record<string, RewardFunction>> | undefined,
  owned: Disposable[],
): Promise<RunParts> {
  const rewards = await openRewards(config.reward, own);
  const { model, tokenizer, hash } = loadModel(resumed ?? config.init);
  checkFinite(model, resumed ?? config.init);
  owned.push({ dispose: () => disposeQwen2(model) });
  const frozen = config.objective.reference.kind === 'none' ? undefined : loadModel(config.init);
  if (frozen !== undefined) owned.push({ dispose: () => disposeQwen2(frozen.model) });
  const start = frozen?.hash ?? (resumed === undefined ? hash : undefined);
  const optimizer = openAdamW(model.parameters, config);
  owned.push(optimizer);
  const longest = longestPrompt(config, model);
  const recipe = openRecipe(config, tokenizer, longest);
  const heldOut = heldOutPrompts(config, recipe, tokenizer, longest);
  const parameters = parameterCount(model.config);
  return {
    model,
    tokenizer,
    optimizer,
    reference: frozen?.model,
    recipe,
    rewards,
    heldOut,
    inputs: { ...rewards.modules, ...(start === undefined ? {} : { [config.init]: start }) },
    facts: {
      parameters: parameters.total,
      parameters_without_embedding: parameters.nonEmbedding,
      ...(recipe.size === undefined ? {} : { tasks: recipe.size, tasks_left_out: recipe.leftOut }),
      validation_tasks: heldOut.length,
    },
  };
}

/** Longest prompt that leaves room for a whole response. @throws CONFIG */
function longestPrompt(
  config: GrpoConfig,
  { config: { max_position_embeddings: positions } }: Qwen2,
): number {
  const longest = Math.min(config.max_prompt_tokens, positions - config.max_response_tokens);
  if (longest >= 1) return longest;
  throw userError(
    'CONFIG',
    `max_response_tokens below the model's ${positions} positions`,
    String(config.max_response_tokens),
    'lower max_response_tokens',
  );
}

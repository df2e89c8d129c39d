/** `interplay model`: what a preset or a `config.json` would be, without building it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readJsonFile } from '../core/json.ts';
import {
  describeSize,
  flopsPerToken,
  MODEL_PRESETS,
  type ModelConfig,
  parameterCount,
  parseModelConfig,
  resolveModelConfig,
} from '../model/config.ts';
import { integerOption, printJson } from './terminal.ts';

export function register(program: Command): void {
  program
    .command('model')
    .description('parameters and floating-point operations of a model')
    .argument(
      '[model]',
      `a preset (${MODEL_PRESETS.join(', ')}), a model folder or a config.json; all presets`,
    )
    .option(
      '--length <tokens>',
      'sequence length that attention is counted at; the longest',
      integerOption(1),
    )
    .option('--json', 'print one JSON document')
    .action((model: string | undefined, { length, json }: { length?: number; json?: true }) => {
      const names = model === undefined ? MODEL_PRESETS : [model];
      const rows = names.map((name) => [name, openConfig(name)] as const);
      if (json) {
        const documents = rows.map(([name, config]) => {
          const sequence = length ?? config.max_position_embeddings;
          const training = flopsPerToken(config, sequence);
          const flops = { sequence_length: sequence, training, forward: training / 3 };
          return { model: name, parameters: parameterCount(config), flops_per_token: flops, config };
        });
        printJson(model === undefined ? documents : documents[0]);
      } else {
        for (const [name, config] of rows) {
          process.stdout.write(`${name}: ${describeSize(config, length)}\n`);
        }
      }
    });
}

function openConfig(model: string): ModelConfig {
  if ((MODEL_PRESETS as readonly string[]).includes(model) || !existsSync(model)) {
    return resolveModelConfig(model);
  }
  const path = statSync(model).isDirectory() ? join(model, 'config.json') : model;
  return parseModelConfig(readJsonFile(path, 'model config'), path);
}

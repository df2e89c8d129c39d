/** `interplay import`: a model of another program as a model folder of ours. */
import { type Command, Option } from 'commander';
import { printJson } from './terminal.ts';

export function register(program: Command): void {
  program
    .command('import')
    .description('check a model folder of transformers and write it as one of ours (float32, one file)')
    .argument('<folder>', 'folder with config.json, model.safetensors (or shards) and tokenizer.json')
    .addOption(
      new Option('--from <program>', 'where the folder comes from').choices(['hf']).makeOptionMandatory(),
    )
    .requiredOption('--out <folder>', 'a new folder')
    .option('--json', 'print a summary as one JSON document')
    .action(async (source: string, { out, json }: { out: string; json?: true }) => {
      const { chooseBackend } = await import('./backend.ts');
      await chooseBackend('cpu'); // weights are only carried over
      const { importHuggingFace } = await import('../export/index.ts');
      const { describeSize, disposeQwen2, parameterCount } = await import('../model/index.ts');
      const { model, hash, droppedTokens } = importHuggingFace(source, out);
      disposeQwen2(model);
      if (json) {
        printJson({
          out,
          hash,
          parameters: parameterCount(model.config).total,
          droppedTokens,
        });
        return;
      }
      const dropped =
        droppedTokens.length === 0
          ? ''
          : `Without ${droppedTokens.join(', ')}: the model has no row for it.\n`;
      process.stdout.write(`${describeSize(model.config)}\n${dropped}Written to ${out}\n`);
    });
}

/** `interplay tokenizer`: trains a byte-level BPE tokenizer, and shows how one treats a data set. */
import { type Command, Option } from 'commander';
import { userError } from '../core/errors.ts';
import {
  checkTrainOptions,
  openTokenizer,
  PATTERNS,
  type PatternName,
  readTexts,
  saveTokenizer,
  tokenizerStats,
  trainTokenizer,
} from '../tokenizer/index.ts';
import { brief, integerOption, printJson } from './terminal.ts';

interface TrainFlags {
  data: string[];
  vocab: number;
  out: string;
  minFrequency: number;
  pattern: PatternName;
  special: string[];
  json?: true;
}

interface StatsFlags {
  tokenizer: string;
  data: string[];
  json?: true;
}

export function register(program: Command): void {
  const tokenizer = program.command('tokenizer').description('train and examine byte-level BPE tokenizers');
  tokenizer
    .command('train')
    .description(
      'learn a tokenizer from task records or text; writes tokenizer.json and tokenizer_config.json',
    )
    .requiredOption('--data <files...>', 'task records (JSONL, Parquet), or .txt files')
    .requiredOption('--vocab <n>', 'size of the vocabulary, at least 266', integerOption(0))
    .requiredOption('--out <folder>', 'folder to write into')
    .option('--min-frequency <n>', 'leave pairs that are rarer unmerged', integerOption(0), 2)
    .addOption(
      new Option('--pattern <name>', 'how text is cut into words; digits: every digit is one')
        .choices(Object.keys(PATTERNS))
        .default('digits'),
    )
    .option('--special <tokens...>', 'special tokens behind the usual ten, like <think> </think>', [])
    .option('--seed <n>', 'accepted as everywhere; nothing here is random', integerOption(0))
    .option('--json', 'print one JSON document')
    .action(train);
  tokenizer
    .command('stats')
    .description('tokens per problem, characters per token, use of the vocabulary')
    .requiredOption('--tokenizer <path>', 'tokenizer.json or the folder that has it')
    .requiredOption('--data <files...>', 'task records (JSONL, Parquet), or .txt files')
    .option('--seed <n>', 'accepted as everywhere; nothing here is random', integerOption(0))
    .option('--json', 'print one JSON document')
    .action(stats);
}

function train(flags: TrainFlags): void {
  const { data, vocab: vocabularySize, minFrequency } = flags;
  const options = { vocabularySize, minFrequency, pattern: PATTERNS[flags.pattern], special: flags.special };
  checkTrainOptions(options); // before any data is read
  let texts = 0;
  const counted = function* () {
    for (const text of readTexts(data)) {
      texts++;
      yield text;
    }
  };
  const tokenizer = trainTokenizer(counted(), options);
  if (texts === 0) throw noTexts(data);
  const path = saveTokenizer(flags.out, tokenizer);
  const result = {
    tokenizer: path,
    texts,
    vocabulary: tokenizer.vocabularySize,
    merges: tokenizer.parts.merges.length,
    fingerprint: tokenizer.fingerprint(),
  };
  if (flags.json) {
    printJson(result);
    return;
  }
  const short =
    tokenizer.vocabularySize < vocabularySize
      ? ` (of ${vocabularySize} asked for: no more pairs occur ${minFrequency} times)`
      : '';
  process.stdout.write(
    `${path}: ${tokenizer.vocabularySize} tokens${short}, ${result.merges} merges from ${texts} texts\n`,
  );
}

function stats(flags: StatsFlags): void {
  const tokenizer = openTokenizer(flags.tokenizer);
  const result = tokenizerStats(tokenizer, readTexts(flags.data));
  if (result.texts === 0) throw noTexts(flags.data);
  if (flags.json) {
    printJson({
      texts: result.texts,
      tokens: result.tokens,
      characters: result.characters,
      tokens_per_text: result.tokensPerText,
      characters_per_token: result.charactersPerToken,
      vocabulary: result.vocabulary,
    });
    return;
  }
  const { mean, min, median, max } = result.tokensPerText;
  const { size, used } = result.vocabulary;
  const rows = [
    ['texts', brief(result.texts)],
    ['tokens', brief(result.tokens)],
    ['tokens per text', `mean ${brief(mean)}, min ${min}, median ${brief(median)}, max ${max}`],
    ['characters per token', brief(result.charactersPerToken)],
    ['vocabulary used', `${used} of ${size} (${brief((100 * used) / size)} %)`],
  ];
  process.stdout.write(rows.map(([name, value]) => `${name!.padEnd(22)}${value}\n`).join(''));
}

function noTexts(data: readonly string[]): Error {
  return userError(
    'DATA_EMPTY',
    'at least one text',
    `none in ${data.join(', ')}`,
    'give files that have records',
  );
}

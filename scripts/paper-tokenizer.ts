/**
 * The tokenizer that ships with the project (datasets/tokenizers/paper): byte-level BPE of at most 2,200 tokens, as
 * many as the paper's (PAPER §2), trained on the paper's world in all its contexts, modes and depths. That world has
 * words for some 800: every word of it is then one token, and no pair is left to merge.
 *
 *     node --import tsx scripts/paper-tokenizer.ts
 *
 * trains it again; test/tokenizer/count.test.ts holds the files to this recipe.
 */
import { pathToFileURL } from 'node:url';
import { createTaskSource, trainingText } from '../src/tasks/index.ts';
import { PAPER_TOKENIZER, saveTokenizer, type Tokenizer, trainTokenizer } from '../src/tokenizer/index.ts';

/** Every word occurs hundreds of times in so many; a few seconds of work. */
const TASKS = 10_000;

export function trainPaperTokenizer(): Tokenizer {
  const source = createTaskSource({
    world: 'paper',
    ops: '2-20',
    modes: ['forward', 'reverse'],
    depths: [2, 3],
    split: 'train',
    seed: 1,
  });
  return trainTokenizer(source.take(TASKS).map(trainingText), { vocabularySize: 2200 });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const tokenizer = trainPaperTokenizer();
  const path = saveTokenizer(PAPER_TOKENIZER, tokenizer);
  process.stdout.write(`${path}: ${tokenizer.vocabularySize} tokens\n`);
}

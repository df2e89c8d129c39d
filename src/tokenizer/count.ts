/** Counting tokens of tasks, for token budgets. A module of its own because threads that write tasks load it by its URL. */
import { fileURLToPath } from 'node:url';
import { type ReferenceTask, type TokenCounter, trainingText } from '../tasks/index.ts';
import { openTokenizer } from './folder.ts';
import { Tokenizer } from './tokenizer.ts';

/** Folder of the tokenizer that ships with the project; scripts/paper-tokenizer.ts trains it. */
export const PAPER_TOKENIZER = fileURLToPath(new URL('../../datasets/tokenizers/paper', import.meta.url));

/**
 * Counts with the tokenizer of a file or folder; the one that ships with the project by default.
 * @throws INPUT_UNREADABLE, TOKENIZER_FILE
 */
export function countTokensWith(path: string = PAPER_TOKENIZER): TokenCounter {
  return { module: import.meta.url, argument: openTokenizer(path).toJson() };
}

/**
 * From the content of a `tokenizer.json` to the tokens that a task is trained on: its training text (PAPER §2) and
 * the end token.
 */
export function tokenCounter(tokenizerJson: string): (task: ReferenceTask) => number {
  const tokenizer = Tokenizer.fromJson(tokenizerJson);
  return (task) => tokenizer.encode(trainingText(task)).length + 1;
}

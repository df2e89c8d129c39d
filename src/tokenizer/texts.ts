/** Texts to train or measure a tokenizer with, from files of task records or plain text. */
import { userError } from '../core/errors.ts';
import { readUserFile } from '../core/files.ts';
import { readJsonLines } from '../core/jsonl.ts';
import { trainingText } from '../tasks/text.ts';

/**
 * Texts of files, one by one: of a `.txt` file its lines (with their line ends), of any other the training text
 * (PAPER §2) of each JSONL task record.
 * @throws INPUT_UNREADABLE, JSONL_LINE, TASK_RECORD naming file, line and field
 */
export function* readTexts(paths: readonly string[]): Generator<string> {
  for (const path of paths) {
    if (path.endsWith('.txt')) {
      for (const line of readUserFile(path, 'text file').split(/(?<=\n)/)) if (line !== '') yield line;
      continue;
    }
    for (const { value, line } of readJsonLines(path)) yield recordText(value, `${path} line ${line}`);
  }
}

function recordText(value: unknown, where: string): string {
  const record = (value ?? {}) as Record<string, unknown>;
  const field = (name: string): string => {
    const text = record[name];
    if (typeof text === 'string') return text;
    const got = text === undefined ? 'nothing' : JSON.stringify(text);
    throw userError(
      'TASK_RECORD',
      `text in field ${name}`,
      `${got} in ${where}`,
      'give files of task records or .txt files',
    );
  };
  return trainingText({
    problem: field('problem'),
    question: field('question'),
    solution: field('solution'),
  });
}

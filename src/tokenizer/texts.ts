/** Texts to train or measure a tokenizer with, from files of task records or plain text. */
import { readUserFile } from '../core/files.ts';
import { readTasks } from '../tasks/records.ts';
import { trainingText } from '../tasks/text.ts';

/**
 * Texts of files, one by one: of a `.txt` file its lines (with their line ends), of any other the training text
 * (PAPER §2) of each task record.
 * @throws INPUT_UNREADABLE, JSONL_LINE, PARQUET_INVALID, TASK_RECORD naming file, line and field
 */
export function* readTexts(paths: readonly string[]): Generator<string> {
  for (const path of paths) {
    if (path.endsWith('.txt')) {
      for (const line of readUserFile(path, 'text file').split(/(?<=\n)/)) if (line !== '') yield line;
    } else {
      for (const task of readTasks(path)) yield trainingText(task);
    }
  }
}

/** JSON documents from a user's files. */
import { userError } from './errors.ts';
import { readUserFile } from './files.ts';

/**
 * The value in a JSON file; `what` names it in messages.
 * @throws INPUT_UNREADABLE, JSON_FILE
 */
export function readJsonFile(path: string, what: string): unknown {
  const text = readUserFile(path, what);
  try {
    return JSON.parse(text);
  } catch (error) {
    const got = `${path} (${error instanceof Error ? error.message : String(error)})`;
    throw userError(
      'JSON_FILE',
      `a whole JSON document as ${what}`,
      got,
      'repair the file or write it again',
    );
  }
}

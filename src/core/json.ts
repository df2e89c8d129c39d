/** JSON documents from a user's files. */
import { userError } from './errors.ts';
import { readUserFile } from './files.ts';

/**
 * The value in a JSON file; `what` names it in messages.
 * @throws INPUT_UNREADABLE, JSON_FILE
 */
export function readJsonFile(path: string, what: string): unknown {
  return parseJson(readUserFile(path, what), path, what);
}

/** The value of a JSON text; `source` says in messages where it comes from. @throws JSON_FILE */
export function parseJson(text: string, source: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const got = `${source} (${error instanceof Error ? error.message : String(error)})`;
    throw userError(
      'JSON_FILE',
      `a whole JSON document as ${what}`,
      got,
      'repair the file or write it again',
    );
  }
}

/**
 * A key that one object of a valid JSON text has twice (with its escapes undone), or null. JSON.parse keeps the last
 * of two equal keys in silence.
 */
export function repeatedKey(text: string): string | null {
  const open: Set<string>[] = [];
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g)) {
    const [token, colon] = match;
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(token.slice(0, -colon.length)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return null;
}

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
  const broken = (got: string) =>
    userError(
      'JSON_FILE',
      `a whole JSON document as ${what}`,
      `${source} (${got})`,
      'repair the file or write it again',
    );
  if (isTooDeep(text)) throw broken(`nested deeper than ${DEEPEST}`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw broken(error instanceof Error ? error.message : String(error));
  }
}

/** Nothing that we read is nested nearly as deep. */
const DEEPEST = 100;

/**
 * Whether a JSON text is nested so deep that only a hostile file is: JSON.parse takes it, and everything recursive
 * behind it would run out of stack.
 */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        for (at++; at < text.length && text.charCodeAt(at) !== QUOTE; at++) {
          if (text.charCodeAt(at) === BACKSLASH) at++;
        }
        break;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        if (++depth > DEEPEST) return true;
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth--;
    }
  }
  return false;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

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

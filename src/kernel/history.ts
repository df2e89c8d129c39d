/** Inputs of this session and their answers to history requests (tail, range, search). */
import type { Json, JsonObject } from './protocol.ts';

interface Entry {
  line: number;
  code: string;
  result: string | null;
}

/** This kernel keeps one session; front ends number the current one 0. */
const SESSION = 1;

export class History {
  readonly #entries: Entry[] = [];

  add(line: number, code: string): void {
    this.#entries.push({ line, code, result: null });
  }

  /** Notes the text of a cell's result, for requests that ask for outputs. */
  setResult(line: number, text: string): void {
    const entry = this.#entries.findLast((candidate) => candidate.line === line);
    if (entry !== undefined) entry.result = text;
  }

  /** Content of the `history_reply` to the content of a `history_request`. */
  reply(request: JsonObject): JsonObject {
    const withOutput = request.output === true;
    const history = this.#select(request).map(({ line, code, result }): Json => {
      return [SESSION, line, withOutput ? [code, result] : code];
    });
    return { status: 'ok', history };
  }

  #select(request: JsonObject): Entry[] {
    const limit = typeof request.n === 'number' ? request.n : Number.POSITIVE_INFINITY;
    if (request.hist_access_type === 'range') {
      const session = request.session ?? 0;
      if (session !== 0 && session !== SESSION) return [];
      const start = typeof request.start === 'number' ? request.start : 1;
      const stop = typeof request.stop === 'number' ? request.stop : Number.POSITIVE_INFINITY;
      return this.#entries.filter(({ line }) => line >= start && line < stop);
    }
    let entries = this.#entries;
    if (request.hist_access_type === 'search') {
      const pattern = glob(String(request.pattern ?? '*'));
      entries = entries.filter(({ code }) => pattern.test(code));
      if (request.unique === true) {
        // Of equal inputs the latest counts, as in a shell.
        entries = entries.filter(
          ({ code }, at) => entries.findLastIndex((other) => other.code === code) === at,
        );
      }
    }
    return limit >= entries.length ? entries : entries.slice(entries.length - limit);
  }
}

/** `*` and `?` as in file names, over the whole input. */
function glob(pattern: string): RegExp {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '[\\s\\S]*')
    .replace(/\?/g, '[\\s\\S]');
  return new RegExp(`^${escaped}$`);
}

/**
 * The language thread: type errors, completion, documentation and completeness of code. Without type checks it
 * is started by the first question, since the language service takes a second and 150 MB.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { IdleCollection } from './idle-collection.mjs';
import type { Json, JsonObject } from './protocol.ts';
import { isComplete, Questions } from './questions.ts';

export type LanguageQuestion = 'complete_request' | 'inspect_request' | 'is_complete_request' | 'check';

export type LanguageRequest =
  /** A cell that has been started. */
  | { kind: 'cell'; serial: number; code: string }
  | { kind: 'ask'; id: number; type: LanguageQuestion; content: JsonObject };

export interface LanguageReply {
  id: number;
  content: JsonObject;
}

const { folder } = workerData as { folder: string };
let questions: Questions | undefined;

function answer(type: LanguageQuestion, content: JsonObject): JsonObject {
  const code = String(content.code ?? '');
  if (type === 'is_complete_request') return isComplete(code);
  questions ??= new Questions(folder);
  for (const { serial, code: earlier } of cells.splice(0)) questions.addCell(serial, earlier);
  if (type === 'check') return { status: 'ok', diagnostics: questions.check(code) as unknown as Json };
  const cursor = typeof content.cursor_pos === 'number' ? content.cursor_pos : [...code].length;
  return type === 'complete_request' ? questions.complete(code, cursor) : questions.inspect(code, cursor);
}

const collection = new IdleCollection();
const cells: { serial: number; code: string }[] = [];
parentPort?.on('message', (message: LanguageRequest) => {
  if (message.kind === 'cell') {
    cells.push(message);
    return;
  }
  const { id, type, content } = message;
  let reply: JsonObject;
  try {
    reply = answer(type, content);
  } catch (error) {
    // A fault of the language service must not leave the front end waiting.
    const { name, message: evalue } = error as Error;
    reply = { status: 'error', ename: name, evalue, traceback: [] };
  }
  parentPort?.postMessage({ id, content: reply } satisfies LanguageReply);
  collection.postpone();
});

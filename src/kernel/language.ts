/** placeholder */
import { parentPort } from 'node:worker_threads';
import type { JsonObject } from './protocol.ts';

export type LanguageQuestion = 'complete_request' | 'inspect_request' | 'is_complete_request';

export type LanguageRequest =
  | { kind: 'cell'; count: number; code: string }
  | { kind: 'failed'; count: number }
  | {
      kind: 'ask';
      id: number;
      type: LanguageQuestion;
      content: JsonObject;
    };

export interface LanguageReply {
  id: number;
  content: JsonObject;
}
parentPort?.on('message', (m: LanguageRequest) => {
  if (m.kind === 'ask') parentPort!.postMessage({ id: m.id, content: { status: 'ok' } });
});

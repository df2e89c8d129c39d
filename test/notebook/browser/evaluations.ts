/** Evaluation folders as `evaluate` writes them, of responses made by rule: right ones and wrong ones of every kind. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { responseText, type Task } from '../../../src/tasks/index.ts';
import { type Verdict, verify } from '../../../src/verify/index.ts';

export type SavedSample = Verdict & {
  task_id: string;
  sample_index: number;
  op: number;
  template: string;
  mode: string;
  response: string;
  tokens: number;
  stop_reason: 'stop' | 'length';
};

/** How the i-th sample of a task goes wrong; the first is right. */
const SPOILERS: readonly ((text: string) => string)[] = [
  (text) => text,
  // Another answer behind a right process.
  (text) => text.replace(/<answer>.*<\/answer>/, '<answer> 9999 </answer>'),
  // The first value is misread.
  (text) =>
    text.replace(/(= )(\d+)\./, (_, equals: string, value: string) => `${equals}${Number(value) + 3}.`),
  // The second step is left out.
  (text) => text.replace(/(Define [^.]*\. )(Define [^.]*\. )/, '$1'),
  // A step that nobody asked for, in front.
  (text) => ` Define purple unicorn in Nowhere as Z; so Z = 1.${text}`,
  // Cut short.
  (text) => text.slice(0, Math.floor(text.length * 0.6)),
  // No step at all.
  () => ' I do not know. </solution> <answer> 3 </answer>',
];

export function spoiledResponse(task: Task, kind: number): string {
  return SPOILERS[kind % SPOILERS.length]!(responseText(task));
}

export function savedSample(task: Task, index: number, response: string): SavedSample {
  const truncated = !response.includes('</answer>');
  return {
    task_id: task.id,
    sample_index: index,
    op: task.op,
    template: task.template,
    mode: task.mode,
    response,
    tokens: response.length,
    stop_reason: truncated ? 'length' : 'stop',
    ...verify(task, response, { truncated }),
  };
}

/** Writes `samples.jsonl` and `tasks.jsonl`; rows in the order given. */
export function writeEvaluation(folder: string, tasks: readonly Task[], rows: readonly SavedSample[]): void {
  const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'tasks.jsonl'), lines(tasks));
  writeFileSync(join(folder, 'samples.jsonl'), lines(rows));
}

/** `samples` responses of each task, spoiled in turn. */
export function spoiledSamples(tasks: readonly Task[], samples: number): SavedSample[] {
  return tasks.flatMap((task) =>
    Array.from({ length: samples }, (_, i) => savedSample(task, i, spoiledResponse(task, i))),
  );
}

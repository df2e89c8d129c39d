/** Which task a row of another program is about: by the task's id, or by the text that the program was given. */
import { promptText, type ReferenceTask } from '../../tasks/index.ts';
import { isFields } from './fields.ts';

type Fields = Record<string, unknown>;

/** Fields that may name a task, and fields that may hold its text; of the row, then of the record inside it. */
const ID_FIELDS = ['task_id', 'id', 'custom_id', 'doc_id', 'request_id'];
const TEXT_FIELDS = ['prompt', 'input', 'problem'];
const INSIDE = ['doc', 'task', 'metadata'];

export class TaskIndex {
  private readonly byId = new Map<string, number>();
  private readonly byText = new Map<string, number>();

  /** @param ids what {@link taskIds} calls the tasks */
  constructor(tasks: readonly ReferenceTask[], ids: readonly string[]) {
    const plain = new Map<string, number>(); // the reference gives many records one id
    for (const { id } of tasks) plain.set(id, (plain.get(id) ?? 0) + 1);
    tasks.forEach((task, i) => {
      this.byId.set(ids[i]!, i);
      if (plain.get(task.id) === 1 && !this.byId.has(task.id)) this.byId.set(task.id, i);
      for (const text of [promptText(task), asked(task)]) {
        // A problem that two tasks ask says nothing.
        this.byText.set(text, this.byText.has(text) ? -1 : i);
      }
    });
  }

  /** Index of the row's task, or null. */
  find(row: Fields): number | null {
    for (const fields of [row, ...INSIDE.map((name) => row[name]).filter(isFields)]) {
      for (const name of ID_FIELDS) {
        const value = fields[name];
        if (typeof value !== 'string' && typeof value !== 'number') continue;
        const task = this.byId.get(String(value));
        if (task !== undefined) return task;
      }
      for (const name of TEXT_FIELDS) {
        const task = this.byText.get(textIn(fields[name], fields));
        if (task !== undefined && task >= 0) return task;
      }
    }
    return null;
  }
}

function asked({ problem, question }: { problem: string; question: string }): string {
  return spaced(`${problem} ${question}`);
}

/** The text of a field: itself, a record's question behind its problem, or what the user says last in a chat. */
function textIn(value: unknown, { question }: Fields): string {
  if (Array.isArray(value)) {
    const last = value.filter(isFields).findLast(({ role }) => role === 'user');
    return textIn(last?.content, {});
  }
  if (typeof value !== 'string') return '';
  const text = value.trim();
  if (text.startsWith('<question>')) return text;
  return spaced(typeof question === 'string' ? `${text} ${question}` : text);
}

function spaced(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}

/**
 * The text a model is trained on and prompted with (the reference's composition, PAPER §2):
 * `<question> {problem} {question} </question> <solution> {steps} </solution> <answer> {n} </answer>`.
 */
import { userError } from '../core/errors.ts';
import type { ReferenceTask } from './types.ts';

/** Tags of the composed text; each is one special token of the tokenizer. */
export const TAGS = [
  '<question>',
  '</question>',
  '<solution>',
  '</solution>',
  '<answer>',
  '</answer>',
] as const;

/** Generation stops when this has been produced. */
export const STOP_TAG = '</answer>';

type TextFields = Pick<ReferenceTask, 'problem' | 'question' | 'solution'>;

/** The solution's steps (everything before its last `Answer:`) and its answer, without the final dot. */
export function splitSolution(solution: string): { steps: string; answer: string } {
  const at = solution.lastIndexOf('Answer:');
  if (at < 0) {
    throw userError('TASK_SOLUTION', 'a solution that ends in "Answer: N."', solution, 'repair the record');
  }
  const answer = solution
    .slice(at + 'Answer:'.length)
    .trim()
    .replace(/\.+$/, '');
  return { steps: solution.slice(0, at).trim(), answer };
}

/** What the model sees before it answers: cut right after `<solution>`, no space behind. */
export function promptText(task: Pick<TextFields, 'problem' | 'question'>): string {
  return `<question> ${task.problem.trim()} ${task.question} </question> <solution>`;
}

/** The part behind the prompt: ` {steps} </solution> <answer> {n} </answer>`. */
export function responseText(task: Pick<TextFields, 'solution'>): string {
  const { steps, answer } = splitSolution(task.solution);
  return ` ${steps} </solution> <answer> ${answer} </answer>`;
}

/** The whole training text, without the end token. */
export function trainingText(task: TextFields): string {
  return promptText(task) + responseText(task);
}

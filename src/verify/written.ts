/** Solution texts as steps for reading. Judging them is verification; here nothing is understood. */
import { withoutThoughts, withThoughts } from './thoughts.ts';

export interface WrittenStep {
  /** The step's text, from its `Define` on. */
  text: string;
  /** Name that it defines; undefined for text that defines none. */
  name?: string;
}

/** Splits a solution or response at each `Define NAME as …`; text before the first one is a step of its own. */
export function splitSteps(solution: string): WrittenStep[] {
  const found = [...withoutThoughts(solution).matchAll(/\bDefine\s/gi)].map(({ index }) => index);
  const starts = withThoughts(solution, found);
  return [0, ...starts]
    .map((start, i) => solution.slice(start, starts[i]).trim())
    .filter((text) => text !== '')
    .map((text) => {
      const name = /^Define\s+(.+?)\s+as\s/is.exec(withoutThoughts(text))?.[1]?.replace(/\s+/g, ' ');
      return name === undefined ? { text } : { text, name };
    });
}

/** A gold solution's steps, and the answer that it ends in (empty when it has none). */
export function splitGold(solution: string): { steps: WrittenStep[]; answer: string } {
  const { steps, ending } = splitResponse(solution);
  return { steps, answer: ending.replace(/^Answer:\s*/i, '').replace(/\.$/, '') };
}

/** A response's steps and what follows them (`</solution> <answer> 7 </answer>`, or nothing). */
export function splitResponse(response: string): { steps: WrittenStep[]; ending: string } {
  const end = withoutThoughts(response).search(/<\/solution>|<answer>|\bAnswer:/i);
  if (end < 0) return { steps: splitSteps(response), ending: '' };
  const [at] = withThoughts(response, [end]) as [number];
  return { steps: splitSteps(response.slice(0, at)), ending: response.slice(at).trim() };
}

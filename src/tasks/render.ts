/**
 * Text of a problem: the sentences, the question and the solution exactly in the reference's words (PAPER
 * §1.8), and the graph with names.
 */
import type { RandomStream } from '../core/random.ts';
import type { Context } from './contexts.ts';
import type { Quantity, Skeleton } from './dependency.ts';
import type { GraphNode, TaskGraph } from './types.ts';

/** Letters for quantities and intermediate results, drawn without replacement. */
const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];

export interface Rendered {
  problem: string;
  question: string;
  solution: string;
  graph: TaskGraph;
}

/** Draws names, letters and the order of the sentences. */
export function renderForward(random: RandomStream, context: Context, skeleton: Skeleton): Rendered {
  const { structure, quantities, gold, distractors } = skeleton;
  const cellCount = structure.cells.length;
  const places = random.sample(random.pick(context.places), structure.byPlace.length);
  const group = random.pick(context.categories);
  const categories = random.sample(group, group.length);
  const names: string[] = [];
  for (let id = 0; id < quantities.length; id++) {
    const cell = structure.cells[id];
    names.push(
      cell === undefined
        ? `${context.total} in ${places[id - cellCount]!}`
        : `${categories[cell.category]!} in ${places[cell.place]!}`,
    );
  }

  const sentences: string[] = [];
  for (const id of gold) if (id < cellCount) sentences.push(sentence(quantities[id]!, names, cellCount));
  for (const id of distractors) sentences.push(sentence(quantities[id]!, names, cellCount));
  random.shuffle(sentences);
  let problem = '';
  for (const one of sentences) problem += `${one}. `;

  const query = gold[gold.length - 1]!;
  const question =
    query >= cellCount
      ? `What is the ${names[query]}?`
      : `How many ${categories[structure.cells[query]!.category]} does ${places[structure.cells[query]!.place]} have?`;
  const answer = quantities[query]!.value;
  return {
    problem,
    question,
    solution: `${steps(random, skeleton, names)}Answer: ${answer}.`,
    graph: { nodes: gold.map((id) => node(quantities[id]!, names)), query: names[query]!, answer },
  };
}

/** `the number of adult fox in Pine Ridge`; a total already says what it is. */
function phrase(id: number, names: readonly string[], cellCount: number): string {
  return id < cellCount ? `the number of ${names[id]}` : `the ${names[id]}`;
}

/** One statement about an instance quantity, without its full stop. */
function sentence(quantity: Quantity, names: readonly string[], cellCount: number): string {
  const { parents, operation, constant } = quantity;
  let right = '';
  if (quantity.hasConstant) {
    right = `${constant}`;
    if (parents.length > 0) right += operation.startsWith('plus') ? ' plus ' : ' times ';
  }
  if (parents.length === 1) right += phrase(parents[0]!, names, cellCount);
  else if (parents.length === 2) {
    const first = phrase(parents[0]!, names, cellCount);
    const second = phrase(parents[1]!, names, cellCount);
    right += operation.endsWith('difference')
      ? `the difference between ${first} and ${second}`
      : `the sum of ${first} and ${second}`;
  } else if (parents.length > 2) {
    right += 'the sum of ';
    for (let i = 0; i < parents.length - 1; i++) right += `${phrase(parents[i]!, names, cellCount)}, `;
    right += `and ${phrase(parents[parents.length - 1]!, names, cellCount)}`;
  }
  return `The number of ${names[quantity.id]} equals ${right}`;
}

/** Letters without replacement, each drawn when it is needed. */
class LetterBag {
  private readonly letters = LETTERS.slice();

  constructor(private readonly random: RandomStream) {}

  draw(): string {
    const { letters } = this;
    const at = this.random.below(letters.length);
    const letter = letters[at]!;
    letters[at] = letters[letters.length - 1]!;
    letters.pop();
    return letter;
  }
}

/** `Define … as L; …; so L = … = 7. ` for every gold quantity. */
function steps(random: RandomStream, skeleton: Skeleton, names: readonly string[]): string {
  const { quantities, gold } = skeleton;
  const letters = new LetterBag(random);
  const letterOf = new Array<string>(quantities.length);
  let text = '';
  for (const id of gold) {
    const { parents, operation, constant, hasConstant, value } = quantities[id]!;
    const letter = letters.draw();
    letterOf[id] = letter;
    text += `Define ${names[id]} as ${letter}; `;
    if (parents.length === 0) {
      text += `so ${letter} = ${value}. `;
      continue;
    }
    // The parents are folded from the left, one letter for each intermediate result.
    const sign = operation.endsWith('difference') ? '-' : '+';
    let left = letterOf[parents[0]!]!;
    let sum = quantities[parents[0]!]!.value;
    if (parents.length === 1 && hasConstant) {
      const result = letters.draw();
      text += `${result} = ${left} = ${sum}; `;
      left = result;
    } else if (parents.length === 1) text += `so ${letter} = ${left} = ${sum}. `;
    for (let i = 1; i < parents.length; i++) {
      const last = i === parents.length - 1 && !hasConstant;
      const result = last ? letter : letters.draw();
      const right = quantities[parents[i]!]!.value;
      const next = sign === '+' ? sum + right : sum - right;
      text += `${last ? 'so ' : ''}${result} = ${left} ${sign} ${letterOf[parents[i]!]} = ${sum} ${sign} ${right} = ${next}`;
      text += last ? '. ' : '; ';
      left = result;
      sum = next;
    }
    if (hasConstant) {
      const verb = operation.startsWith('plus') ? '+' : '*';
      text += `so ${letter} = ${constant} ${verb} ${left} = ${constant} ${verb} ${sum} = ${value}. `;
    }
  }
  return text;
}

function node(quantity: Quantity, names: readonly string[]): GraphNode {
  return {
    name: names[quantity.id]!,
    value: quantity.value,
    dependencies: quantity.parents.map((parent) => names[parent]!),
    kind: quantity.kind,
    ...(quantity.hasConstant ? { constant: quantity.constant } : {}),
    operation: quantity.operation,
  };
}

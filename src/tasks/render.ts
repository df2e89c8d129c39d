/**
 * Text of a problem: the sentences, the question and the solution exactly in the reference's words (PAPER
 * §1.8, §1.9), and the graph with names.
 */
import type { RandomStream } from '../core/random.ts';
import type { Context } from './contexts.ts';
import type { Skeleton } from './dependency.ts';
import type { Layout, Quantity } from './quantity.ts';
import { solutionSteps } from './steps.ts';
import type { GraphNode, TaskGraph } from './types.ts';

export interface Rendered {
  problem: string;
  question: string;
  solution: string;
  graph: TaskGraph;
}

/** Draws names, letters and the order of the sentences. */
export function renderTask(random: RandomStream, context: Context, skeleton: Skeleton): Rendered {
  const { layout, quantities, gold, distractors, unknown } = skeleton;
  const names = drawNames(random, context, layout);
  const goal = gold[gold.length - 1]!;

  const sentences: string[] = [];
  for (const id of gold) if (!layout.isTotal(id)) sentences.push(sentence(quantities[id]!, names, layout));
  for (const id of distractors) sentences.push(sentence(quantities[id]!, names, layout));
  if (unknown !== null)
    sentences.push(`${capital(phrase(goal, names, layout))} equals ${quantities[goal]!.value}`);
  random.shuffle(sentences);
  let problem = '';
  for (const one of sentences) problem += `${one}. `;

  const query = unknown ?? goal;
  const answer = quantities[query]!.value;
  return {
    problem,
    question: question(query, names, layout),
    solution: `${solutionSteps(random, skeleton, names)}Answer: ${answer}.`,
    graph: { nodes: gold.map((id) => node(quantities[id]!, names)), query: names[query]!, answer },
  };
}

/** Names of all quantities by id. */
function drawNames(random: RandomStream, context: Context, layout: Layout): string[] {
  const { structure } = layout;
  const places = random.sample(random.pick(context.places), structure.byPlace.length);
  const group = random.pick(context.categories);
  const categories = random.sample(group, group.length);
  const names: string[] = [];
  for (let id = 0; id < layout.size; id++) {
    const place = places[layout.place(id)]!;
    if (layout.isTotal(id)) {
      names.push(`${layout.isDeep(id) ? context.average.total : context.total} in ${place}`);
    } else {
      const count = `${categories[structure.cells[layout.cell(id)]!.category]!} in ${place}`;
      names.push(layout.isDeep(id) ? `${context.average.item} per ${count}` : count);
    }
  }
  return names;
}

/** `the number of adult fox in Pine Ridge`; a total and an average already say what they are. */
function phrase(id: number, names: readonly string[], layout: Layout): string {
  return layout.isTotal(id) || layout.isDeep(id) ? `the ${names[id]}` : `the number of ${names[id]}`;
}

function capital(text: string): string {
  return `T${text.slice(1)}`;
}

function question(id: number, names: readonly string[], layout: Layout): string {
  const name = names[id]!;
  if (layout.isTotal(id) || layout.isDeep(id)) return `What is the ${name}?`;
  const at = name.lastIndexOf(' in ');
  return `How many ${name.slice(0, at)} does ${name.slice(at + 4)} have?`;
}

/** One statement about an instance quantity, without its full stop. */
function sentence(quantity: Quantity, names: readonly string[], layout: Layout): string {
  const { id, parents, operation, constant } = quantity;
  const subject = capital(phrase(id, names, layout));
  if (operation === 'unknown') {
    return layout.isDeep(id)
      ? `${subject} is greater than 0`
      : `${subject} exists, and its number is greater than 0`;
  }
  let right = '';
  if (quantity.hasConstant) {
    right = `${constant}`;
    if (parents.length > 0) right += operation.startsWith('plus') ? ' plus ' : ' times ';
  }
  if (parents.length === 1) right += phrase(parents[0]!, names, layout);
  else if (parents.length === 2) {
    const first = phrase(parents[0]!, names, layout);
    const second = phrase(parents[1]!, names, layout);
    right += operation.endsWith('difference')
      ? `the difference between ${first} and ${second}`
      : `the sum of ${first} and ${second}`;
  } else if (parents.length > 2) {
    right += 'the sum of ';
    for (let i = 0; i < parents.length - 1; i++) right += `${phrase(parents[i]!, names, layout)}, `;
    right += `and ${phrase(parents[parents.length - 1]!, names, layout)}`;
  }
  return `${subject} equals ${right}`;
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

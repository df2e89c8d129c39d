/**
 * Thinking-augmented text (TPT, arXiv 2509.20186): a document and an explanation of it are one training text, with
 * plain next-token loss on both. There a model writes the explanation; here it follows from the solution graph: what
 * is asked, what each quantity needs, and in which order they can be found.
 *
 * The default position is TPT's own, behind the document: what the model answers stays as it is without thoughts, and
 * prompts, stopping and verification with it. `before` is TPT's variant with the thought in front, here inside the
 * solution, where a prompt leads the model into thinking before its first step. `inside` is what reinforcement
 * mid-training needs (docs/rmt.md): thoughts in front of any token of the solution, about the step that it stands in,
 * so that a model learns to think wherever it is asked to.
 */
import type { RandomStream } from '../core/random.ts';
import { promptText, type ReferenceTask, responseText, type TaskRecord } from '../tasks/index.ts';
import { THINK_TAGS } from '../tokenizer/index.ts';
import { goldGraph } from '../verify/index.ts';
import type { Thinking } from './dataConfig.ts';

type Length = 'long' | 'short';

/** Mixed lengths are as often long as short. */
const drawLength = (length: Thinking['length'], random: RandomStream): Length =>
  length !== 'mixed' ? length : random.chance(0.5) ? 'long' : 'short';

/** What a thought is about: quantities in solution order, with values, and what each is made from. */
interface Plan {
  names: string[];
  values: number[];
  /** Names of the quantities that each needs. */
  needs: string[][];
  query: string;
}

/**
 * The training text of a task, with a thought where the settings and the stream's first draw say so.
 * @throws GOLD_UNPARSEABLE, GOLD_GRAPH for a record that has no graph and whose solution states none
 */
export function thinkingText(
  task: ReferenceTask | TaskRecord,
  settings: Thinking,
  random: RandomStream,
): string {
  const prompt = promptText(task);
  const response = responseText(task);
  if (!random.chance(settings.share)) return prompt + response;
  const corrupted = random.chance(settings.corrupted);
  const plan = corrupted ? corrupt(planOf(task), random) : planOf(task);
  const reverse = task.mode === 'forwardreverse';
  if (settings.position === 'inside') {
    return prompt + thinkInside(response, plan, reverse, settings, random);
  }
  const thought = ` ${THINK_TAGS[0]} ${thoughtOf(plan, reverse, drawLength(settings.length, random))} ${THINK_TAGS[1]}`;
  return settings.position === 'before' ? prompt + thought + response : prompt + response + thought;
}

function planOf(task: ReferenceTask | TaskRecord): Plan {
  const { nodes, query } = goldGraph(task);
  return {
    names: nodes.map(({ name }) => name),
    values: nodes.map(({ value }) => value),
    needs: nodes.map(({ dependencies }) => [...new Set(dependencies)]),
    query,
  };
}

/** As many needs as before, but of any other quantities, in an order that need not work. */
function corrupt({ names, values, needs, query }: Plan, random: RandomStream): Plan {
  const order = random.shuffle(names.map((_, i) => i));
  return {
    names: order.map((i) => names[i]!),
    values: order.map((i) => values[i]!),
    needs: order.map((i) => {
      const others = names.filter((name) => name !== names[i]);
      return random.sample(others, Math.min(needs[i]!.length, others.length));
    }),
    query,
  };
}

/** Where a token can begin, whatever the tokenizer: words, punctuation, digits and tags, spaces in front of the last two. */
const PLACES = / (?=[\d<])|\d|<[^>]*>| ?[^\s\d<\p{L}]+| ?\p{L}+/gu;

/**
 * The response with thoughts in front of some of its tokens, drawn uniformly. No space stands around the tags, so that
 * the text goes on behind `</think>` as it would have without.
 */
function thinkInside(
  response: string,
  plan: Plan,
  reverse: boolean,
  { per_text, length }: Thinking,
  random: RandomStream,
): string {
  const places = [...response.matchAll(PLACES)].map(({ index }) => index);
  const drawn = random.sample(places, Math.min(per_text, places.length)).sort((a, b) => a - b);
  let text = response.slice(0, drawn[0]);
  for (const [i, at] of drawn.entries()) {
    const thought = thoughtAt(response, at, plan, reverse, drawLength(length, random));
    text += `${THINK_TAGS[0]} ${thought}${THINK_TAGS[1]}${response.slice(at, drawn[i + 1])}`;
  }
  return text;
}

/** What is to be thought at a place of the response: a step defines a quantity; what stands behind the last gives the answer. */
function thoughtAt(response: string, at: number, plan: Plan, reverse: boolean, length: Length): string {
  const before = response.slice(0, at);
  const begun = before.split(' Define').length - 1 + Number(response.startsWith(' Define', at));
  const answers = before.includes('</solution>');
  const last = plan.names.indexOf(plan.query);
  const step = answers ? last : Math.min(Math.max(begun, 1), plan.names.length) - 1;
  // Until the equation is solved, nobody can know the values that follow from x.
  return reverse && !answers ? openStep(plan, step) : stepThought(plan, step, length);
}

/** What a step finds, and from what. */
function stepThought({ names, values, needs }: Plan, step: number, length: Length): string {
  const name = names[step]!;
  const found = `${name} is ${values[step]}.`;
  if (length === 'short' || needs[step]!.length === 0) return capital(found);
  const known = needs[step]!.map((need) => `${need} is ${values[names.indexOf(need)]}`);
  return `${capital(name)} needs ${list(needs[step]!)}. Here ${list(known)}. So ${found}`;
}

/** What a step needs, without values. */
function openStep({ names, needs, query }: Plan, step: number): string {
  const name = capital(names[step]!);
  if (names[step] === query) return `${name} is asked for, so it is x.`;
  return needs[step]!.length === 0 ? `${name} is given.` : `${name} needs ${list(needs[step]!)}.`;
}

/** The thought in words. "Define" stands nowhere in it: that word opens a step of a solution. */
function thoughtOf({ names, needs, query }: Plan, reverse: boolean, length: Length): string {
  const sentences = [`The question asks for ${query}.`];
  const goal = names[names.length - 1]!;
  if (reverse) {
    sentences.push(
      `It is not given, but ${goal} is, so an equation in x for ${query} must be set up and solved.`,
    );
  }
  if (length === 'long') {
    // Backwards, from what is wanted to what is given.
    for (let i = names.length - 1; i >= 0; i--) {
      const name = names[i]!;
      if (reverse && name === query) continue;
      sentences.push(
        needs[i]!.length === 0 ? `${capital(name)} is given.` : `${capital(name)} needs ${list(needs[i]!)}.`,
      );
    }
  }
  sentences.push(`So the order is ${names.join(', then ')}.`);
  return sentences.join(' ');
}

function list(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

/** Tasks for the verifier's tests: written by hand, generated, and the public reference's where it is present. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Context, createTaskSource, type Task, type TaskSourceOptions } from '../../src/tasks/index.ts';
import type { GoldGraph } from '../../src/verify/index.ts';

export interface SampleTask {
  solution: string;
  mode: string;
  graph?: GoldGraph;
}

/** ((4 − 2)·2 = 4) and so on: a difference, products, a three-part total. */
export const FORWARD =
  'Define adult fox in Bundle Ranch as j; so j = 2. ' +
  'Define adult deer in Bundle Ranch as P; so P = j = 2. ' +
  'Define adult bear in Bundle Ranch as q; B = P + j = 2 + 2 = 4; so q = 3 + B = 3 + 4 = 7. ' +
  'Define total number of adult animals in Bundle Ranch as D; c = j + P = 2 + 2 = 4; so D = c + q = 4 + 7 = 11. ' +
  'Define adult wolf in South Zoo as V; m = D - q = 11 - 7 = 4; so V = 2 * m = 2 * 4 = 8. Answer: 8.';

export const FORWARD_GRAPH: GoldGraph = {
  nodes: [
    { name: 'adult fox in Bundle Ranch', value: 2, dependencies: [] },
    { name: 'adult deer in Bundle Ranch', value: 2, dependencies: ['adult fox in Bundle Ranch'] },
    {
      name: 'adult bear in Bundle Ranch',
      value: 7,
      dependencies: ['adult fox in Bundle Ranch', 'adult deer in Bundle Ranch'],
    },
    {
      name: 'total number of adult animals in Bundle Ranch',
      value: 11,
      dependencies: ['adult fox in Bundle Ranch', 'adult deer in Bundle Ranch', 'adult bear in Bundle Ranch'],
    },
    {
      name: 'adult wolf in South Zoo',
      value: 8,
      dependencies: ['adult bear in Bundle Ranch', 'total number of adult animals in Bundle Ranch'],
    },
  ],
  query: 'adult wolf in South Zoo',
  answer: 8,
};

/** x = 3; names with letters beyond ASCII. */
export const REVERSE =
  'The question is difficult, so we use equations to solve it. ' +
  "Define calm road movie in Rêves de Belleville as x; we don't know its value yet but will find it out later. " +
  'Define solemn period drama in Rêves de Belleville as z; b = x = x; so z = 2 * b = (2) * (x) = 2*x. ' +
  'Define total number of movies in Rêves de Belleville as a; so a = z + x = 2*x + x = 3*x. ' +
  'Define futuristic sci-fi movie in Festival Lumière de Valmont as w; k = a - z = (3*x) - (2*x) = x; so w = 4 + k = 4 + x = x + 4. ' +
  'Define total number of movies in Festival Lumière de Valmont as f; so f = w = x + 4. ' +
  'We know f = 7, so we have x + 4 = 7 and we solve it through the following steps: ' +
  'Simplifying the equation: x + 4 = 7. Move all terms to one side: x - 3 = 0. ' +
  'Isolate the term with x: 1*x = 3. Divide both sides by 1: x = 3 / 1. Solution: x = 3. Answer: 3.';

export const REVERSE_GRAPH: GoldGraph = {
  nodes: [
    { name: 'calm road movie in Rêves de Belleville', value: 3, dependencies: [] },
    {
      name: 'solemn period drama in Rêves de Belleville',
      value: 6,
      dependencies: ['calm road movie in Rêves de Belleville'],
    },
    {
      name: 'total number of movies in Rêves de Belleville',
      value: 9,
      dependencies: ['calm road movie in Rêves de Belleville', 'solemn period drama in Rêves de Belleville'],
    },
    {
      name: 'futuristic sci-fi movie in Festival Lumière de Valmont',
      value: 7,
      dependencies: [
        'solemn period drama in Rêves de Belleville',
        'total number of movies in Rêves de Belleville',
      ],
    },
    {
      name: 'total number of movies in Festival Lumière de Valmont',
      value: 7,
      dependencies: ['futuristic sci-fi movie in Festival Lumière de Valmont'],
    },
  ],
  query: 'calm road movie in Rêves de Belleville',
  answer: 3,
};

const reference = fileURLToPath(new URL('../../../shared/reference/', import.meta.url));

/** Rows of one of the reference's files; null when it is not beside the checkout. */
// biome-ignore lint/suspicious/noExplicitAny: rows of a foreign file
export function referenceRows(name: string): any[] | null {
  const path = `${reference}${name}`;
  if (!existsSync(path)) return null;
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Generated tasks of all contexts, op 2–20 unless told otherwise. */
export function generatedTasks(count: number, options: TaskSourceOptions = {}): Task[] {
  return createTaskSource({ ops: '2-20', seed: 5, ...options }).take(count);
}

/** A user's own context: names of other scripts, with digits, apostrophes, a single letter. */
export const OWN_CONTEXT: Context = {
  name: 'harbour_boats',
  places: [
    ['Île d’Or', 'Port Ås', 'Bay 3', 'Pier B', 'Новая гавань'],
    ["King's Quay", 'Old Quay', 'a Cove', 'Łódź', '東京港'],
  ],
  categories: [['red boat', 'sailing boat of class x', 'blue tug', '2-mast ship', 'кораблик']],
  total: 'total number of boats',
  average: { item: 'average number of sailors', total: 'total number of sailors of all boats' },
};

/** One generated task of every kind: op 2–40, forward and reverse, depth 2 and 3, the paper's contexts and a user's. */
export function everyKind(): Task[] {
  const tasks: Task[] = [];
  for (const depth of [2, 3]) {
    for (const mode of ['forward', 'reverse']) {
      for (const context of ['zoo', 'school', 'festival', OWN_CONTEXT]) {
        for (let op = 2; op <= 40; op++) {
          const kind = { ops: [op], modes: [mode], depths: [depth], contexts: [context] };
          tasks.push(createTaskSource({ ...kind, seed: 9 }).at(0));
        }
      }
    }
  }
  return tasks;
}

/** Everything at hand: by hand, generated, and the reference's. */
export function allTasks(): SampleTask[] {
  return [
    { solution: FORWARD, mode: 'normalforward', graph: FORWARD_GRAPH },
    { solution: REVERSE, mode: 'forwardreverse', graph: REVERSE_GRAPH },
    ...everyKind(),
    ...((referenceRows('samples.jsonl') as SampleTask[] | null) ?? []),
  ];
}

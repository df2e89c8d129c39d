/**
 * Shape of our problems beside the reference's, as the Markdown table of docs/tasks.md. Both are read from their
 * text by the same code:
 *
 *   node --import tsx bench/task-statistics.ts path/to/reference/samples.jsonl
 */
import { argv, stdout } from 'node:process';
import { createTaskSource, type ReferenceTask, readTasks } from '../src/tasks/index.ts';

const GROUPS = [
  [2, 2],
  [3, 4],
  [5, 6],
  [7, 9],
  [10, 11],
  [12, 15],
  [16, 18],
  [19, 20],
] as const;

const MEASURES = {
  'gold nodes': 2,
  chain: 2,
  totals: 2,
  leaves: 2,
  'terms/sentence': 2,
  'asks a total': 2,
  'no distractor': 2,
  'distractor share': 2,
  'problem chars': 0,
  'solution chars': 0,
} as const;

type Measure = keyof typeof MEASURES;
type Measures = Record<Measure, number>;

function measure(task: ReferenceTask): Measures {
  const told = new Map<string, string>();
  for (const sentence of task.problem.slice(0, -2).split('. ')) {
    const match = /^The number of (.+?) equals (.+)$/.exec(sentence)!;
    told.set(match[1]!, match[2]!);
  }
  const names = new Map<string, string>();
  const depth = new Map<string, number>();
  let totals = 0;
  let leaves = 0;
  let terms = 0;
  for (const [, name, letter, body] of task.solution.matchAll(/Define (.+?) as ([A-Za-z]); (.+?)\. /g)) {
    const parents = new Set<string>();
    for (const [used] of body!.matchAll(/\b[A-Za-z]\b/g)) {
      const parent = names.get(used);
      if (parent !== undefined) parents.add(parent);
    }
    names.set(letter!, name!);
    depth.set(name!, 1 + Math.max(0, ...[...parents].map((parent) => depth.get(parent)!)));
    if (name!.startsWith('total')) totals++;
    else {
      terms += parents.size + (/^\d/.test(told.get(name!)!) ? 1 : 0);
      if (parents.size === 0) leaves++;
    }
  }
  const instances = depth.size - totals;
  return {
    'gold nodes': depth.size,
    chain: Math.max(...depth.values()),
    totals,
    leaves,
    'terms/sentence': terms / instances,
    'asks a total': task.question.startsWith('What') ? 1 : 0,
    'no distractor': told.size === instances ? 1 : 0,
    'distractor share': 1 - instances / told.size,
    'problem chars': task.problem.length + task.question.length,
    'solution chars': task.solution.length,
  };
}

function row(ops: string, who: string, tasks: readonly ReferenceTask[]): string {
  const all = tasks.map(measure);
  const cells = (Object.keys(MEASURES) as Measure[]).map((name) => {
    const values = all.map((one) => one[name]);
    return (values.reduce((a, b) => a + b, 0) / values.length).toFixed(MEASURES[name]);
  });
  return `| ${[ops, who, tasks.length, ...cells].join(' | ')} |`;
}

const headings = ['op', 'who', 'n', ...Object.keys(MEASURES)];
const lines = [`| ${headings.join(' | ')} |`, `|${'---|'.repeat(headings.length)}`];
const reference = argv[2] === undefined ? [] : [...readTasks(argv[2])];
for (const [low, high] of GROUPS) {
  const theirs = reference.filter(({ op, mode }) => op >= low && op <= high && mode === 'normalforward');
  const ops = low === high ? `${low}` : `${low}–${high}`;
  if (theirs.length > 0) lines.push(row(ops, 'reference', theirs));
  lines.push(row(ops, 'ours', createTaskSource({ ops: `${low}-${high}` }).take(3000)));
}
stdout.write(`${lines.join('\n')}\n`);

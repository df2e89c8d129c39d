/**
 * Shape of our problems beside the reference's, as the Markdown tables of docs/tasks.md. Both are read from their
 * text by the same code:
 *
 *   node --import tsx bench/task-statistics.ts path/to/reference/samples.jsonl [--tasks 3000]
 *
 * `--tasks` is how many of ours are drawn for each op and mode. A deviation of more than three standard errors is
 * printed bold.
 */
import { stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { userError } from '../src/core/errors.ts';
import {
  createTaskSource,
  promptText,
  type ReferenceTask,
  readTasks,
  responseText,
  TAGS,
} from '../src/tasks/index.ts';
import { countChoices, MEASURES, type Measure, type Measures, measureTask } from './task-measures.ts';

const MODES = ['forward', 'reverse'] as const;
type ModeName = (typeof MODES)[number];

/** Ops that the reference draws with the same bounds (PAPER §1.5), and all of them. */
const GROUPS = [
  [2, 2],
  [3, 4],
  [5, 6],
  [7, 9],
  [10, 11],
  [12, 15],
  [16, 18],
  [19, 20],
  [2, 20],
] as const;

/** Forward problems of PAPER §1.7, 180 per op: mean tokens of prompt and response. */
const FORWARD_TOKENS: readonly (readonly [op: number, prompt: number, response: number])[] = [
  [2, 224, 63],
  [3, 239, 87],
  [4, 229, 95],
  [5, 293, 108],
  [6, 437, 127],
  [7, 362, 149],
  [8, 367, 168],
  [9, 379, 185],
  [10, 274, 202],
  [11, 308, 216],
  [12, 322, 229],
  [13, 355, 244],
  [14, 385, 275],
  [15, 405, 297],
  [16, 374, 304],
  [17, 402, 321],
  [18, 466, 342],
  [19, 445, 351],
  [20, 466, 373],
];
/** Mean tokens of reverse responses there. */
const REVERSE_TOKENS = [
  [2, 191],
  [10, 364],
  [20, 592],
] as const;
const MEASURED_PER_OP = 180;
/** Characters per token of the reference's tokenizer: at least and at most. */
const CHARACTERS = [2.4, 2.6] as const;

/** Forward gold nodes of PAPER §1.7, measured on the same problems. */
const GOLD_NODES = { 2: 2, 5: 3, 10: 6.4, 15: 8.3, 20: 10 } as const;
/** Named variables and longest chain of PAPER §1.7, third-party and of unknown number and mode. */
const THIRD_PARTY = [
  [2, 2, 2],
  [5, 3.6, 3.4],
  [8, 5.1, 4.4],
  [10, 5.9, 5],
  [11, 6.1, 4.9],
  [14, 7.6, 6.2],
  [17, 9.8, 7.4],
  [20, 11.5, 8],
] as const;

interface Moments {
  n: number;
  mean: number;
  variance: number;
}

function moments(values: readonly number[]): Moments {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const variance = n < 2 ? 0 : values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { n, mean, variance };
}

/**
 * Our mean with each op weighted as often as the reference's sample has it, and z = (reference − ours) / standard
 * error of the difference, were the reference's problems drawn from our distribution.
 */
function compare(theirs: ReadonlyMap<number, readonly number[]>, ours: ReadonlyMap<number, Moments>) {
  const all = moments([...theirs.values()].flat());
  let mean = 0;
  let own = 0;
  let sampling = 0;
  for (const [op, values] of theirs) {
    const { n, mean: opMean, variance } = ours.get(op)!;
    const weight = values.length / all.n;
    mean += weight * opMean;
    own += (weight ** 2 * variance) / n;
    sampling += (weight ** 2 * variance) / values.length;
  }
  const error = Math.sqrt(own + sampling);
  const z = error === 0 ? (all.mean === mean ? 0 : Number.POSITIVE_INFINITY) : (all.mean - mean) / error;
  return { reference: all, mean, error: Math.sqrt(own), z };
}

const plusMinus = (mean: number, error: number, decimals: number): string =>
  `${mean.toFixed(decimals)} ± ${error.toFixed(decimals)}`;

function showZ(z: number): string {
  const text = `${z < 0 ? '−' : '+'}${Math.abs(z).toFixed(1)}`;
  return Math.abs(z) > 3 ? `**${text}**` : text;
}

function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(headings), `|${'---|'.repeat(headings.length)}`, ...rows.map(line)].join('\n');
}

function groupByOp(tasks: readonly ReferenceTask[]): Map<number, ReferenceTask[]> {
  const groups = new Map<number, ReferenceTask[]>();
  for (const task of tasks) groups.set(task.op, [...(groups.get(task.op) ?? []), task]);
  return groups;
}

/** Reference, ours and z for every measure and group of ops. */
function shapeTable(
  reference: readonly ReferenceTask[],
  ours: ReadonlyMap<number, readonly Measures[]>,
): string {
  const names = Object.keys(MEASURES) as Measure[];
  const rows = GROUPS.flatMap(([low, high]) => {
    const theirs = reference.filter(({ op }) => op >= low && op <= high);
    if (theirs.length === 0) return [];
    const byOp = groupByOp(theirs);
    const results = names.map((name) => {
      const values = new Map(
        [...byOp].map(([op, tasks]) => [op, tasks.map((task) => measureTask(task)[name])]),
      );
      const own = new Map([...byOp.keys()].map((op) => [op, moments(ours.get(op)!.map((one) => one[name]))]));
      return { decimals: MEASURES[name], ...compare(values, own) };
    });
    const drawn = [...byOp.keys()].reduce((sum, op) => sum + ours.get(op)!.length, 0);
    const ops = low === high ? `${low}` : `${low}–${high}`;
    return [
      [
        ops,
        'reference',
        theirs.length,
        ...results.map(({ reference: { mean, variance, n }, decimals }) =>
          plusMinus(mean, Math.sqrt(variance / n), decimals),
        ),
      ],
      ['', 'ours', drawn, ...results.map(({ mean, error, decimals }) => plusMinus(mean, error, decimals))],
      ['', 'z', '', ...results.map(({ z }) => showZ(z))],
    ];
  });
  return table(['op', 'who', 'n', ...names], rows);
}

/** Tokens that the reference's tokenizer makes of a text, at `characters` to the token; a tag is one token. */
function tokens(text: string, characters: number): number {
  const rest = TAGS.reduce((left, tag) => left.replaceAll(tag, ''), text);
  const tags = TAGS.reduce((count, tag) => count + text.split(tag).length - 1, 0);
  return tags + rest.length / characters;
}

/** The range that our mean can have in the reference's tokens, and whether theirs lies in it or within 3 standard errors. */
function tokenCells(texts: readonly string[], reference: number): string[] {
  const [most, fewest] = CHARACTERS.map((characters) =>
    moments(texts.map((text) => tokens(text, characters))),
  ) as [Moments, Moments];
  const error = (one: Moments) => Math.sqrt(one.variance * (1 / one.n + 1 / MEASURED_PER_OP));
  const low = reference - (fewest.mean - 3 * error(fewest));
  const high = most.mean + 3 * error(most) - reference;
  const verdict = low >= 0 && high >= 0 ? 'yes' : `**${low < 0 ? 'ours longer' : 'ours shorter'}**`;
  return [String(reference), `${fewest.mean.toFixed(0)}–${most.mean.toFixed(0)}`, verdict];
}

function commandLine(): { reference: ReferenceTask[]; tasks: number } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tasks: { type: 'string', default: '3000' } },
  });
  const [file] = positionals;
  const tasks = Number(values.tasks);
  if (file === undefined || positionals.length > 1 || !Number.isSafeInteger(tasks) || tasks < 2) {
    throw userError(
      'USAGE',
      'task-statistics SAMPLES [--tasks N]',
      process.argv.slice(2).join(' ') || 'nothing',
      'correct it',
    );
  }
  return { reference: [...readTasks(file)], tasks };
}

const { reference, tasks: perOp } = commandLine();
const out = (text: string): void => void stdout.write(`${text}\n\n`);
const recordMode = { forward: 'normalforward', reverse: 'forwardreverse' } as const;
const drawn = new Map<ModeName, Map<number, ReferenceTask[]>>();
for (const mode of MODES) {
  const byOp = new Map<number, ReferenceTask[]>();
  for (let op = 2; op <= 20; op++) byOp.set(op, createTaskSource({ ops: [op], modes: [mode] }).take(perOp));
  drawn.set(mode, byOp);
}

for (const mode of MODES) {
  const theirs = reference.filter((task) => task.mode === recordMode[mode]);
  const measured = new Map([...drawn.get(mode)!].map(([op, tasks]) => [op, tasks.map(measureTask)]));
  out(`Shape, ${mode}:`);
  out(shapeTable(theirs, measured));
}

out('Choices in sentences, distractors included:');
out(
  table(
    ['mode', 'choice', 'reference', 'ours', 'z'],
    MODES.flatMap((mode) => {
      const theirs = countChoices(reference.filter((task) => task.mode === recordMode[mode]));
      const ours = countChoices([...drawn.get(mode)!.values()].flat());
      return Object.entries(theirs).map(([choice, [first, either]]) => {
        const [a, n] = ours[choice]!;
        const [p, q] = [first / either, a / n];
        const z = (p - q) / Math.sqrt(q * (1 - q) * (1 / either + 1 / n));
        const percent = (share: number, of: number) => `${(100 * share).toFixed(1)} % of ${of}`;
        return [mode, choice, percent(p, either), percent(q, n), showZ(z)];
      });
    }),
  ),
);

out(`Tokens at ${CHARACTERS.join('–')} characters each beside PAPER §1.7:`);
const forward = drawn.get('forward')!;
const reverse = drawn.get('reverse')!;
out(
  table(
    ['op', 'mode', 'prompt: reference', 'ours', 'within', 'response: reference', 'ours', 'within'],
    [
      ...FORWARD_TOKENS.map(([op, prompt, response]) => [
        op,
        'forward',
        ...tokenCells(forward.get(op)!.map(promptText), prompt),
        ...tokenCells(forward.get(op)!.map(responseText), response),
      ]),
      ...REVERSE_TOKENS.map(([op, response]) => [
        op,
        'reverse',
        '',
        '',
        '',
        ...tokenCells(reverse.get(op)!.map(responseText), response),
      ]),
    ],
  ),
);

out('Graph size beside PAPER §1.7:');
out(
  table(
    [
      'op',
      'gold nodes, forward: reference',
      'ours',
      'z',
      'third party: variables / chain',
      'ours, both modes',
    ],
    [...new Set([...Object.keys(GOLD_NODES).map(Number), ...THIRD_PARTY.map(([op]) => op)])]
      .sort((a, b) => a - b)
      .map((op) => {
        const known = (GOLD_NODES as Readonly<Record<number, number>>)[op];
        const third = THIRD_PARTY.find(([other]) => other === op);
        const ours = forward.get(op)!.map(measureTask);
        const both = [...ours, ...reverse.get(op)!.map(measureTask)];
        const { n, mean, variance } = moments(ours.map((one) => one['gold nodes']));
        // The text rounds to one decimal.
        const error = Math.sqrt(variance * (1 / n + 1 / MEASURED_PER_OP) + 0.1 ** 2 / 12);
        const average = (name: Measure) => moments(both.map((one) => one[name])).mean.toFixed(1);
        return [
          op,
          known?.toFixed(1) ?? '',
          mean.toFixed(2),
          known === undefined ? '' : showZ((known - mean) / error),
          third === undefined ? '' : `${third[1].toFixed(1)} / ${third[2].toFixed(1)}`,
          third === undefined ? '' : `${average('gold nodes')} / ${average('chain')}`,
        ];
      }),
  ),
);

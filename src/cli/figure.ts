/** `interplay figure`: one figure from a file of rows, runs or tasks. */
import type { Command } from 'commander';
import { userError } from '../core/errors.ts';
import type { Figure, GraphFigure, LossKind, PaperWidth } from '../figures/index.ts';
import { drawPaperFigure, isFolder, PAPER_FIGURES, PAPER_TABLES, paperTable } from './paperFigures.ts';
import { integerOption, printJson } from './terminal.ts';

interface Options {
  /** All that --in names; only loss_curves takes more than one. */
  inputs: string[];
  in: string;
  out: string;
  index: number;
  title?: string;
  by?: string;
  verifier?: string;
  k?: number[];
  loss?: LossKind;
  groups?: true;
  width?: number;
  distractors?: true;
  printWidth?: string;
  dpi?: number;
  seed: number;
  json?: true;
}

const GENERAL = [
  'pass_at_k',
  'pass_at_k_by_op',
  'error_types',
  'training_curve',
  'loss_curves',
  'graph',
  'next_token_accuracy',
  'entropy_histogram',
  'thought_length',
] as const;
type Name = (typeof GENERAL)[number];

const NAMES: readonly string[] = [...GENERAL, 'figure_2', ...PAPER_FIGURES, ...PAPER_TABLES];

/** Which of the optional flags each figure understands. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  pass_at_k: ['by', 'verifier', 'k', 'width'],
  pass_at_k_by_op: ['by', 'verifier', 'k', 'width'],
  error_types: ['by', 'width'],
  training_curve: ['width'],
  loss_curves: ['loss', 'groups', 'width'],
  graph: ['index', 'width', 'distractors'],
  next_token_accuracy: ['by', 'width'],
  entropy_histogram: ['by', 'width'],
  thought_length: ['by', 'width'],
  figure_2: ['index'],
  ...Object.fromEntries(PAPER_FIGURES.map((name) => [name, ['verifier', 'k', 'width']])),
};

/** Figures that take more than one --in. */
const SEVERAL: readonly string[] = ['loss_curves', 'next_token_accuracy', 'thought_length', ...PAPER_FIGURES];

export function register(program: Command): void {
  program
    .command('figure')
    .description('draw a figure from tables, a run or tasks')
    .argument(
      '<name>',
      `${GENERAL.join(', ')}; of the paper: figure_1 to figure_18 and table_1 to table_3 (docs/gallery.md)`,
    )
    .option(
      '--in <file...>',
      'rows (.csv, .json, .jsonl); for loss_curves, one or more run folders; next_token_accuracy and thought_length also ' +
        'take run folders of rmt; for graph, tasks (.jsonl, .parquet); for ' +
        'figures of the paper also evaluation or run folders, or a design (docs/gallery.md); .jsonl may be .jsonl.gz',
    )
    .requiredOption(
      '--out <file>',
      'where the figure goes: .svg, .html, .json, .pdf or .png; a table: .csv, .md, .tex or .html',
    )
    .option('--index <n>', 'graph: which task of the file, counted from 0', integerOption(0))
    .option('--title <text>', 'title of the figure')
    .option('--by <column>', 'column that a line or bar stands for')
    .option('--verifier <name>', 'whose verdicts to draw: verified, compatible or answer')
    .option('--k <list>', 'only these k, such as 1,16')
    .option('--loss <kind>', 'loss_curves: held-out (default) or training')
    .option('--groups', 'loss_curves: a panel for each group of held-out tasks (validation.by of the runs)')
    .option('--distractors', 'graph: also what the answer does not need')
    .option('--width <px>', 'width in px (96 to the inch)', integerOption(200, 4000))
    .option(
      '--print-width <width>',
      'printed width of .svg, .pdf, .png: 85mm, 3.25in, 240pt, column, textwidth, page',
    )
    .option('--dpi <n>', 'pixels of a .png to the printed inch (default 300)', integerOption(30, 2400))
    .option('--seed <n>', 'seed of the intervals of figure_10', integerOption(0), 0)
    .option('--json', 'print one JSON document')
    .action(async (name: string, given: Record<string, unknown>) => {
      const options = checkOptions(name, given);
      if (PAPER_TABLES.includes(name)) {
        (await paperTable(name)).save(options.out);
        if (options.json) printJson({ table: name, out: options.out });
        else process.stdout.write(`${name} written to ${options.out}\n`);
        return;
      }
      const { figureFormat, saveFigure } = await import('../figures/export.ts');
      figureFormat(options.out);
      const { inches } = await import('../figures/print-width.ts');
      const { printWidth, dpi } = options;
      if (printWidth !== undefined) inches(printWidth);
      const figure = await draw(name, options);
      await saveFigure(figure, options.out, {
        ...(printWidth === undefined ? {} : { width: printWidth as PaperWidth }),
        ...(dpi === undefined ? {} : { dpi }),
      });
      const { inputs, out } = options;
      if (options.json) printJson({ figure: name, in: inputs.length === 1 ? inputs[0] : inputs, out });
      else process.stdout.write(`${name} written to ${options.out}\n`);
    });
}

function checkOptions(name: string, given: Record<string, unknown>): Options {
  if (!NAMES.includes(name)) {
    throw userError('FIGURE_NAME', `a figure (${NAMES.join(', ')})`, name, 'choose one of them');
  }
  const allowed = FLAGS[name] ?? [];
  for (const flag of ['index', 'by', 'verifier', 'k', 'loss', 'groups', 'width', 'distractors']) {
    if (given[flag] === undefined || allowed.includes(flag)) continue;
    throw userError('USAGE', `the options of figure ${name}`, `--${flag}`, 'leave it out');
  }
  const inputs = (given.in as string[] | undefined) ?? [];
  if ((inputs.length === 0) !== PAPER_TABLES.includes(name)) {
    const [expected, remedy] =
      inputs.length === 0 ? ['--in for', 'say what to draw'] : ['no --in for', 'leave it out'];
    throw userError('USAGE', `${expected} ${name}`, inputs.join(', ') || 'none', remedy!);
  }
  if (inputs.length > 1 && !SEVERAL.includes(name)) {
    throw userError('USAGE', `one --in for figure ${name}`, String(inputs.length), 'name one file');
  }
  if (given.loss !== undefined && given.loss !== 'held-out' && given.loss !== 'training') {
    throw userError('USAGE', '--loss held-out or training', String(given.loss), 'choose one of them');
  }
  const options = { index: 0, ...given, inputs, in: inputs[0] } as unknown as Options;
  if (given.k !== undefined) options.k = String(given.k).split(',').map(Number);
  if (options.k?.some((k) => !Number.isInteger(k) || k < 1)) {
    throw userError(
      'USAGE',
      '--k to be integers of 1 or more',
      String(given.k),
      'write for instance --k 1,16',
    );
  }
  return options;
}

async function draw(given: string, options: Options): Promise<Figure | GraphFigure> {
  const { title: heading, seed, verifier: judge } = options;
  if (PAPER_FIGURES.includes(given)) {
    return drawPaperFigure(given, options.inputs, {
      seed,
      ...(heading === undefined ? {} : { title: heading }),
      ...(options.width === undefined ? {} : { width: options.width }),
      ...(judge === undefined ? {} : { verifier: judge }),
      ...(options.k === undefined ? {} : { ks: options.k }),
    });
  }
  const figures = await import('../figures/index.ts');
  if (given === 'figure_2') return figures.figure2(await taskOf(options));
  const name = given as Name;
  const { title, by, verifier, k: ks, width } = options;
  const common = {
    ...(title === undefined ? {} : { title }),
    ...(width === undefined ? {} : { width }),
  };
  const grouped = { ...common, ...(by === undefined ? {} : { by }) };
  if (name === 'graph') {
    const { distractors = false } = options;
    return figures.drawTask(await taskOf(options), { ...common, distractors });
  }
  if (name === 'loss_curves') {
    const { inputs, loss = 'held-out', groups = false } = options;
    const rows = figures.lossRows(inputs, { loss, groups });
    return figures.lossCurves(rows, { ...common, loss, ...(groups ? { panels: 'group' } : {}) });
  }
  if (name === 'next_token_accuracy' || name === 'thought_length') {
    const { difficultyRows, runRows } = await import('../analysis/index.ts');
    return name === 'thought_length'
      ? figures.thoughtLengths(await runsOrRows(options.inputs, runRows), grouped)
      : figures.nextTokenAccuracies(await runsOrRows(options.inputs, difficultyRows), grouped);
  }
  const { readRows } = await import('../figures/rows-file.ts');
  const rows = readRows(options.in);
  if (name === 'entropy_histogram') return figures.entropyHistograms(rows, grouped);
  if (name === 'error_types') return figures.errorTypes(rows, grouped);
  if (name === 'training_curve') {
    return figures.trainingCurve(rows, {
      ...common,
      learningRate: rows.some((row) => 'learning_rate' in row),
    });
  }
  const pass = {
    ...grouped,
    ...(verifier === undefined ? {} : { verifier }),
    ...(ks === undefined ? {} : { ks }),
  };
  return name === 'pass_at_k' ? figures.passAtKCurve(rows, pass) : figures.passAtKByOp(rows, pass);
}

/** Rows of run folders, or of one file of rows. */
async function runsOrRows(
  inputs: readonly string[],
  rowsOf: (runs: readonly string[]) => Record<string, unknown>[],
): Promise<Record<string, unknown>[]> {
  if (inputs.every(isFolder)) return rowsOf(inputs);
  if (inputs.length > 1) {
    throw userError('USAGE', 'one file of rows, or run folders', inputs.join(', '), 'see docs/gallery.md');
  }
  const { readRows } = await import('../figures/rows-file.ts');
  return readRows(inputs[0]!);
}

/** The task that --index means. */
async function taskOf(options: Options) {
  const { readTasks } = await import('../tasks/index.ts');
  let count = 0;
  for (const task of readTasks(options.in)) {
    if (count++ === options.index) return task;
  }
  throw userError(
    'TASK_INDEX',
    `--index below ${count} for ${options.in}`,
    String(options.index),
    'lower it',
  );
}

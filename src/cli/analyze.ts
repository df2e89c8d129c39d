/** `interplay analyze`: tables from evaluation folders. */
import { join } from 'node:path';
import type { ColumnTable } from 'arquero';
import { type Command, InvalidArgumentError } from 'commander';
import { userError } from '../core/errors.ts';
import { integerOption, printJson } from './terminal.ts';

interface Options {
  out: string;
  baseline?: string;
  k?: number[];
  train?: string[];
  edge?: EdgeCondition;
  edgeTasks?: string[];
  seed: number;
  json?: true;
}

/** pass@1 ≤ atMost and pass@k ≥ atLeast. */
interface EdgeCondition {
  k: number;
  atMost: number;
  atLeast: number;
}

export function register(program: Command): void {
  program
    .command('analyze')
    .description('pass@k, error types, topology similarity and edge of competence of evaluations, as tables')
    .argument('<evaluation...>', 'evaluation folders, or a sweep over checkpoints')
    .requiredOption('--out <folder>', 'where the tables go')
    .option('--k <list>', 'the k of pass@k, such as 1,2,4; default what the evaluation was made with', kList)
    .option(
      '--baseline <folder>',
      'an evaluation of the same tasks: what the others gained over it, paired by task (gains.csv)',
    )
    .option(
      '--train <files>',
      'task files of the training data: how alike right responses are to them',
      names,
    )
    .option(
      '--edge <k,most,least>',
      'the tasks with pass@1 of at most `most` and pass@k of at least `least`, such as 16,0.3,0.5',
      edgeCondition,
    )
    .option(
      '--edge-tasks <files>',
      'the task files of the evaluation: the tasks at its edge are written to edge_tasks.jsonl, as an RL set',
      names,
    )
    .option('--seed <n>', 'seed of the bootstrap', integerOption(0), 0)
    .option('--json', 'print the tables as one JSON document')
    .action(analyze);
}

async function analyze(folders: string[], options: Options): Promise<void> {
  const { writeFileAtomically } = await import('../core/files.ts');
  const { writeJsonLines } = await import('../core/jsonl.ts');
  const analysis = await import('../analysis/index.ts');
  const { out, seed, baseline, k, train, edge, edgeTasks } = options;
  if (edgeTasks !== undefined && (edge === undefined || folders.length > 1)) {
    const got = edge === undefined ? 'no --edge' : `${folders.length} evaluations`;
    throw userError('EDGE_TASKS', '--edge-tasks with --edge and one evaluation', got, 'change the command');
  }
  const evaluations = folders.flatMap(analysis.evaluationFolders).map(analysis.readEvaluation);
  const rlSet =
    edge === undefined || edgeTasks === undefined
      ? undefined
      : analysis.selectTasks(
          analysis.edgeOfCompetence(evaluations[0]!.rows, edge),
          await allTasks(edgeTasks),
        );
  const kOptions = { seed, ...(k === undefined ? {} : { k }) };
  const tables: Record<string, ColumnTable> = {
    ...analysis.analyseEvaluations(evaluations, kOptions),
    ...(baseline === undefined
      ? {}
      : { gains: analysis.analyseGains(analysis.readEvaluation(baseline), evaluations, kOptions) }),
    ...(train === undefined
      ? {}
      : analysis.analyseSimilarity(evaluations, await trainingIndex(train), { seed })),
    ...(edge === undefined ? {} : { edge_of_competence: analysis.analyseEdge(evaluations, edge) }),
  };
  const entries = Object.entries(tables);
  for (const [name, table] of entries) {
    writeFileAtomically(join(out, `${name}.csv`), `${table.toCSV()}\n`);
    writeFileAtomically(join(out, `${name}.json`), `${JSON.stringify(analysis.rowsOf(table), null, 1)}\n`);
    writeFileAtomically(join(out, `${name}.parquet`), analysis.tableParquet(table));
  }
  if (rlSet !== undefined) writeJsonLines(join(out, 'edge_tasks.jsonl'), rlSet);
  if (options.json) {
    const rows = entries.map(([name, table]) => [name, analysis.rowsOf(table)]);
    const selected = rlSet === undefined ? {} : { edge_tasks: rlSet.length };
    printJson({ out, ...selected, ...Object.fromEntries(rows) });
  } else {
    const files = entries.map(([name]) => `${name}.csv`).join(', ');
    process.stdout.write(`${files} (and .json, .parquet) written to ${out}\n`);
    if (rlSet !== undefined) process.stdout.write(`edge_tasks.jsonl: ${rlSet.length} tasks\n`);
  }
}

/** The topologies of all tasks of the files. */
async function trainingIndex(files: readonly string[]) {
  const { TopologyIndex, taskTopology } = await import('../analysis/index.ts');
  const { readTasks } = await import('../tasks/index.ts');
  function* topologies() {
    for (const file of files) for (const task of readTasks(file)) yield taskTopology(task);
  }
  return new TopologyIndex(topologies());
}

async function allTasks(files: readonly string[]) {
  const { readTasks } = await import('../tasks/index.ts');
  return files.flatMap((file) => [...readTasks(file)]);
}

function names(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

function kList(text: string): number[] {
  const values = text.split(',').map(numberOf);
  if (values.some((k) => !Number.isInteger(k) || k < 1)) {
    throw new InvalidArgumentError('must be integers of 1 or more, separated by commas');
  }
  return [...new Set(values)].sort((a, b) => a - b);
}

function edgeCondition(text: string): EdgeCondition {
  const [k, atMost, atLeast, ...more] = text.split(',').map(numberOf);
  const share = (value: number | undefined): boolean => value !== undefined && value >= 0 && value <= 1;
  if (!(Number.isInteger(k) && k! >= 1 && share(atMost) && share(atLeast)) || more.length > 0) {
    throw new InvalidArgumentError('must be an integer k and two shares within 0-1, such as 16,0.3,0.5');
  }
  return { k: k!, atMost: atMost!, atLeast: atLeast! };
}

/** NaN of an empty text, which Number takes for 0. */
function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

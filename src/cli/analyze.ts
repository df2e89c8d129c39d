/** `interplay analyze`: tables from evaluation folders. */
import type { ColumnTable } from 'arquero';
import { type Command, InvalidArgumentError } from 'commander';
import { integerOption, printJson } from './terminal.ts';

interface Options {
  out: string;
  k?: number[];
  seed: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('analyze')
    .description('pass@k and error types of evaluations, as CSV and JSON tables')
    .argument('<evaluation...>', 'evaluation folders')
    .requiredOption('--out <folder>', 'where the tables go')
    .option('--k <list>', 'the k of pass@k, such as 1,2,4; default what the evaluation was made with', kList)
    .option('--seed <n>', 'seed of the bootstrap', integerOption(0), 0)
    .option('--json', 'print the tables as one JSON document')
    .action(async (folders: string[], options: Options) => {
      const { join } = await import('node:path');
      const { writeFileAtomically } = await import('../core/files.ts');
      const analysis = await import('../analysis/index.ts');
      const tables = analysis.analyseEvaluations(folders.map(analysis.readEvaluation), {
        seed: options.seed,
        ...(options.k === undefined ? {} : { k: options.k }),
      });
      const entries = Object.entries(tables) as [string, ColumnTable][];
      for (const [name, table] of entries) {
        writeFileAtomically(join(options.out, `${name}.csv`), `${table.toCSV()}\n`);
        writeFileAtomically(
          join(options.out, `${name}.json`),
          `${JSON.stringify(analysis.rowsOf(table), null, 1)}\n`,
        );
      }
      if (options.json) {
        const rows = entries.map(([name, table]) => [name, analysis.rowsOf(table)]);
        printJson({ out: options.out, ...Object.fromEntries(rows) });
      } else {
        const files = entries.map(([name]) => `${name}.csv`).join(', ');
        process.stdout.write(`${files} (and .json) written to ${options.out}\n`);
      }
    });
}

function kList(text: string): number[] {
  const values = text.split(',').map(Number);
  if (values.some((k) => !Number.isInteger(k) || k < 1)) {
    throw new InvalidArgumentError('must be integers of 1 or more, separated by commas');
  }
  return [...new Set(values)].sort((a, b) => a - b);
}

/** `interplay browse`: samples of an evaluation as a page of their own. */
import type { Command } from 'commander';
import { userError } from '../core/errors.ts';
import { writeFileAtomically } from '../core/files.ts';
import type { BrowseOptions } from '../notebook/browser/index.ts';
import { integerOption, printJson } from './terminal.ts';

interface Flags {
  out: string;
  op?: string;
  context?: string[];
  mode?: string[];
  verdict?: string[];
  error?: string[];
  firstError?: string[];
  task?: string[];
  sample?: string[];
  limit: number;
  page?: number;
  seed?: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('browse')
    .description('write a page to browse the samples of an evaluation: steps against gold, graphs, filters')
    .argument('<evaluation>', 'evaluation folder')
    .requiredOption('--out <file>', 'where the page goes: .html')
    .option('--op <list>', 'only these ops, such as 2-4,6')
    .option('--context <list>', 'only these contexts, such as zoo,school', words)
    .option('--mode <list>', 'forward, reverse', words)
    .option('--verdict <list>', 'verified, answer_only, wrong, truncated, unparsed', words)
    .option('--error <list>', 'samples with any of these error types, such as dependency_mismatch', words)
    .option(
      '--first-error <list>',
      'kind of the first failing step: reading, arithmetic, dependency, missing, none',
      words,
    )
    .option('--task <list>', 'only the tasks of these ids', words)
    .option('--sample <list>', 'only these sample indices, such as 0,1', words)
    .option('--limit <n>', 'most samples on the page', integerOption(1, 2000), 200)
    .option('--page <n>', 'the n-th such page in task order; default a spread over all', integerOption(1))
    .option('--seed <n>', 'accepted as everywhere; nothing here is random', integerOption(0))
    .option('--json', 'print one JSON document')
    .action(browse);
}

function words(list: string): string[] {
  return list.split(',').map((word) => word.trim());
}

async function browse(folder: string, flags: Flags): Promise<void> {
  const { out, json, sample, seed: _seed, ...filters } = flags;
  if (!out.toLowerCase().endsWith('.html')) {
    throw userError('OUT_FORMAT', 'a file that ends in .html', out, 'rename --out');
  }
  const { browseAsPage } = await import('../notebook/browser/index.ts');
  // Words are checked with all other filters, as those of a cell are.
  const options = {
    ...filters,
    ...(sample === undefined
      ? {}
      : { sample: sample.map((index) => (index === '' ? Number.NaN : Number(index))) }),
  } as BrowseOptions;
  const { html, view } = browseAsPage(folder, options);
  writeFileAtomically(out, html);
  const { matching, shown, verdicts } = view;
  if (json) printJson({ evaluation: folder, out, matching, shown: shown.length, verdicts });
  else
    process.stdout.write(`${shown.length} of ${matching} matching samples (${view.how}) written to ${out}\n`);
}

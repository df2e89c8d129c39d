/**
 * What cells can use without importing it. Each is an export of the package as well; here it is loaded when
 * a cell first mentions it, since all of them together would take seconds at the start of the kernel.
 */
import { fileURLToPath } from 'node:url';

interface Helper {
  /** The file that has it, as an import of this file would name it. */
  from: string;
  /** Name of the export, where it is not the name of the helper; `*` is the module itself. */
  export?: string;
  /** Shown in the list of completions; hovering shows the documentation of the export. */
  about: string;
}

/** One line adds a helper, for the kernel, for completion and for the type check. */
export const HELPERS: Readonly<Record<string, Helper>> = {
  display: { from: '../notebook/display.ts', about: 'Shows a value, a MIME bundle or a figure.' },
  displayHtml: { from: '../notebook/display.ts', about: 'Shows HTML.' },
  newDisplay: { from: '../notebook/display.ts', about: 'A place in the output that can be updated.' },
  clearOutput: { from: '../notebook/display.ts', about: 'Removes the output of the cell.' },
  input: { from: '../notebook/display.ts', about: 'Asks the user for a line of text.' },
  kernel: { from: './api.ts', about: 'Settings of this kernel, and comms.' },
  liveProgress: { from: '../notebook/index.ts', about: 'A display that follows a long job.' },
  showTable: { from: '../notebook/index.ts', about: 'Shows rows as a table with pages.' },
  showTask: { from: '../notebook/index.ts', about: 'Shows a problem with its quantities marked.' },
  showResponse: { from: '../notebook/index.ts', about: 'Shows a response against its gold solution.' },
  showPlotly: { from: '../notebook/index.ts', about: 'Shows a plotly specification of your own.' },
  initPlotly: { from: '../notebook/index.ts', about: 'Puts plotly on the page again.' },
  tasks: { from: '../tasks/index.ts', export: '*', about: 'Word problems: sources, worlds, splits, files.' },
  verify: { from: '../verify/index.ts', about: 'Judges a response against its task, step by step.' },
  train: { from: '../train/index.ts', export: '*', about: 'Pre-training and mid-training, checkpoints.' },
  evaluate: { from: '../evaluate/index.ts', about: 'Samples and verifies responses; pass@k from them.' },
  browse: {
    from: '../notebook/index.ts',
    about: 'Shows the samples of an evaluation, to filter and step through.',
  },
  samples: { from: '../notebook/index.ts', about: 'The samples of an evaluation as typed rows.' },
  grpo: { from: '../rl/index.ts', about: 'Reinforcement learning with verifiable rewards.' },
  rmt: { from: '../rl/index.ts', about: 'Reinforcement mid-training on plain text: RMT, RPT, RLP.' },
  analysis: { from: '../analysis/index.ts', export: '*', about: 'Tables from runs and evaluations.' },
  figures: { from: '../figures/index.ts', export: '*', about: 'Figures of those tables; graphs; files.' },
};

/** The import declaration that brings helper `name`, by absolute path. */
export function helperImport(name: string): string {
  const { from, export: exported = name } = HELPERS[name]!;
  const file = JSON.stringify(fileURLToPath(new URL(from, import.meta.url)));
  if (exported === '*') return `import * as ${name} from ${file};`;
  return `import { ${exported === name ? name : `${exported} as ${name}`} } from ${file};`;
}

/** Loads helper `name`. */
export async function loadHelper(name: string): Promise<unknown> {
  const { from, export: exported = name } = HELPERS[name]!;
  const module = (await import(from)) as Record<string, unknown>;
  return exported === '*' ? module : module[exported];
}

/**
 * Entry of the command line: finds the command's file, runs it, and turns what a user did wrong into one line
 * on stderr and exit code 2. Only the file of the command that was asked for is loaded.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { InterplayError, userError } from '../core/errors.ts';
import { reason } from '../core/files.ts';

/** What each command's file exports. */
interface CommandFile {
  register(program: Command): void;
}

/** In the order in which `--help` lists them. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandFile>>> = {
  generate: () => import('./generate.ts'),
  inspect: () => import('./inspect.ts'),
  tokenizer: () => import('./tokenizer.ts'),
  model: () => import('./model.ts'),
  shards: () => import('./shards.ts'),
  pretrain: () => import('./pretrain.ts'),
  grpo: () => import('./grpo.ts'),
  rmt: () => import('./rmt.ts'),
  sample: () => import('./sample.ts'),
  evaluate: () => import('./evaluate.ts'),
  nll: () => import('./nll.ts'),
  browse: () => import('./browse.ts'),
  verify: () => import('./verify.ts'),
  analyze: () => import('./analyze.ts'),
  budget: () => import('./budget.ts'),
  figure: () => import('./figure.ts'),
  export: () => import('./export.ts'),
  import: () => import('./import.ts'),
  reward: () => import('./reward.ts'),
  run: () => import('./run.ts'),
  kernel: () => import('./kernel.ts'),
  env: () => import('./env.ts'),
};

/** Runs the command line; resolves to the exit code and never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const debug = argv.includes('--debug');
  const words = argv.filter((word) => word !== '--debug');
  try {
    const program = createProgram();
    const wanted = words.find((word) => !word.startsWith('-'));
    const files = wanted !== undefined && Object.hasOwn(COMMANDS, wanted) ? [wanted] : Object.keys(COMMANDS);
    if (wanted !== undefined && wanted !== 'help' && !Object.hasOwn(COMMANDS, wanted)) {
      throw userError(
        'USAGE',
        `a command (${Object.keys(COMMANDS).join(', ')})`,
        `'${wanted}'`,
        'see interplay --help',
      );
    }
    for (const name of files) (await COMMANDS[name]!()).register(program);
    for (const command of program.commands) acceptCommonOptions(command);
    await program.parseAsync(words as string[], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    return report(error, debug);
  }
}

function createProgram(): Command {
  const { version, description } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string; description: string };
  const program = new Command('interplay');
  program
    .description(description)
    .version(version)
    .option('--debug', 'show the stack trace of an error')
    .exitOverride() // inherited by the subcommands: they throw instead of ending the process
    .configureOutput({ writeErr: () => {} }) // report() prints usage errors in our own form
    .showHelpAfterError(false);
  program.action(() => {
    process.stdout.write(program.helpInformation());
  });
  return program;
}

/** `--json` and `--seed` are accepted by every command, also where they change nothing. */
function acceptCommonOptions(command: Command): void {
  for (const inner of command.commands) acceptCommonOptions(inner);
  if (command.commands.length > 0) return;
  const has = (name: string) => command.options.some((option) => option.long === name);
  if (!has('--seed')) command.option('--seed <n>', 'accepted everywhere; this command draws nothing');
  if (!has('--json')) command.option('--json', 'accepted everywhere; this command prints no result');
}

/** One line for the user; the stack only on request, or when the fault is ours. */
function report(error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help, --version
    const got = error.message.replace(/^error: /, '').replace(/\s+/g, ' ');
    return print(userError('USAGE', 'the options that --help lists', got, 'correct the command line'), debug);
  }
  return print(error, debug);
}

function print(error: unknown, debug: boolean): number {
  const trace = debug && error instanceof Error ? `${error.stack}\n` : '';
  if (error instanceof InterplayError) {
    const line = `expected ${error.expected}, got ${error.got}; do ${error.remedy}`;
    process.stderr.write(`interplay: ${error.code}: ${line}\n${trace}`);
    return error.code === 'CANCELLED' ? 130 : 2; // as a shell reports an interrupted command
  }
  const hint = debug ? '' : ' (run again with --debug for the stack trace, and please report it)';
  process.stderr.write(`interplay: INTERNAL: ${reason(error)}${hint}\n${trace}`);
  return 1;
}

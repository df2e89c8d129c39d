/** Options of the command line that name a stream of tasks, and the source options that they mean. */
import type { Command } from 'commander';
import { userError } from '../core/errors.ts';
import { readJsonFile } from '../core/json.ts';
import {
  type Context,
  DEFAULT_IDENTITY,
  type Identity,
  loadMixture,
  loadWorld,
  resolveContext,
  type Splits,
  type TaskSourceOptions,
} from '../tasks/index.ts';
import { integerOption } from './terminal.ts';

export interface SourceFlags {
  contexts?: string;
  ops?: string;
  modes?: string;
  depth?: string;
  mixture?: string;
  world: string;
  seed: number;
  split: string;
  splits?: string;
  identity?: string;
  holdOutContexts?: string;
  holdOutDepths?: string;
}

export function sourceOptions(command: Command): Command {
  return command
    .option(
      '--contexts <names>',
      'zoo, school, festival or .json files with a context, separated by commas; the first three by default',
    )
    .option('--ops <counts>', 'op counts like 2-10 or 2,4,6-8; the world’s up to 10 by default')
    .option('--modes <names>', 'forward, reverse or both: forward,reverse; forward by default')
    .option('--depth <n>', 'depth of the structure graph: 2, 3 or both: 2,3; 2 by default')
    .option(
      '--mixture <name|file.json>',
      'weights of ops and contexts, instead of --contexts and --ops; --modes and --depth where it leaves them open',
    )
    .option('--world <name|file.json>', 'how large problems are: paper, micro or a file', 'paper')
    .option('--seed <n>', 'random seed', integerOption(Number.MIN_SAFE_INTEGER), 1)
    .option('--split <name>', 'train, val or test, or one of --splits; splits share no graph', 'train')
    .option('--splits <shares>', 'names and shares of the splits; train=0.8,val=0.1,test=0.1 by default')
    .option(
      '--identity <parts>',
      'what makes graphs different beside their shape: of values, query, context; values,query by default',
    )
    .option('--hold-out-contexts <names>', 'contexts that only the last split has')
    .option('--hold-out-depths <depths>', 'depths that only the last split has');
}

/**
 * @throws USAGE, DEPTH_UNKNOWN, SPLIT_SHARES, INPUT_UNREADABLE, JSON_FILE and the errors of worlds, mixtures and contexts
 */
export function sourceFromFlags(flags: SourceFlags): TaskSourceOptions {
  const { contexts, ops, modes, depth, mixture, splits, identity, holdOutContexts, holdOutDepths } = flags;
  return {
    world: loadWorld(flags.world),
    split: flags.split,
    seed: flags.seed,
    ...(contexts === undefined ? {} : { contexts: list('--contexts', contexts).map(contextOf) }),
    ...(ops === undefined ? {} : { ops }),
    ...(modes === undefined ? {} : { modes: list('--modes', modes) }),
    ...(depth === undefined ? {} : { depths: list('--depth', depth).map(depthOf) }),
    ...(mixture === undefined ? {} : { mixture: loadMixture(mixture) }),
    ...(splits === undefined ? {} : { splits: parseSplits(splits) }),
    ...(identity === undefined ? {} : { identity: parseIdentity(identity) }),
    heldOut: {
      ...(holdOutContexts === undefined ? {} : { contexts: list('--hold-out-contexts', holdOutContexts) }),
      ...(holdOutDepths === undefined
        ? {}
        : { depths: list('--hold-out-depths', holdOutDepths).map(depthOf) }),
    },
  };
}

/** `a, b,c`; a list without names is refused, since it would mean "all" somewhere below. */
function list(option: string, text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length > 0) return names;
  throw userError(
    'USAGE',
    `${option} with something to choose`,
    `'${text}'`,
    `leave ${option} out or name one`,
  );
}

/** A name as it is, or the context object in a JSON file. */
function contextOf(nameOrFile: string): string | Context {
  if (!nameOrFile.endsWith('.json')) return nameOrFile;
  return resolveContext(readJsonFile(nameOrFile, 'context file') as Context);
}

/** Whether it is a depth that exists is the source's to say. */
function depthOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw userError('DEPTH_UNKNOWN', 'a depth of 2 or 3', `'${text}'`, 'use 2 or 3');
}

function parseSplits(text: string): Splits {
  const entries = list('--splits', text).map((part): [string, number] => {
    // A name that is a number would not keep its place among the others, and places decide which graphs are whose.
    const match = /^([^=\s\d][^=\s]*)\s*=\s*([0-9.]+(?:e-?\d+)?)$/i.exec(part);
    if (match === null) throw shares(text, `'${part}'`);
    return [match[1]!, Number(match[2])];
  });
  const twice = entries.find(([name], i) => entries.some(([other], j) => j < i && other === name));
  if (twice !== undefined) throw shares(text, `${twice[0]} twice`);
  return Object.fromEntries(entries);
}

function shares(text: string, got: string): Error {
  return userError(
    'SPLIT_SHARES',
    '--splits like train=0.8,val=0.1,test=0.1',
    `${got} in '${text}'`,
    'give each split a name of its own that starts with a letter, and a positive share',
  );
}

function parseIdentity(text: string): Identity {
  const known = Object.keys(DEFAULT_IDENTITY);
  const parts = list('--identity', text);
  const unknown = parts.find((part) => !known.includes(part));
  if (unknown !== undefined) {
    const names = known.join(', ');
    throw userError('USAGE', `--identity with any of ${names}`, `'${unknown}'`, `use some of ${names}`);
  }
  return {
    values: parts.includes('values'),
    query: parts.includes('query'),
    context: parts.includes('context'),
  };
}

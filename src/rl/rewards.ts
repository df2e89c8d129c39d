/**
 * Rewards of a run: a weighted sum of the verifier's rewards by name and of functions of one's own, each part kept, so
 * that the log shows what is paid for.
 */
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { userError } from '../core/errors.ts';
import { readUserBytes, reason } from '../core/files.ts';
import { sha256 } from '../core/hash.ts';
import type { TaskRecord } from '../tasks/index.ts';
import { rewardByName, type Verdict } from '../verify/index.ts';
import type { RewardPart } from './config.ts';

/** A response as a reward function sees it. */
export interface JudgedResponse {
  task: TaskRecord;
  response: string;
  /** New tokens, the stop token included. */
  tokens: number;
  truncated: boolean;
}

/** A reward of one's own: a finite number for a verdict and its response. */
export type RewardFunction = (verdict: Verdict, response: JudgedResponse) => number;

/** What a response is paid. */
export interface Reward {
  /** Weighted sum. */
  score: number;
  /** By name, before weighting. */
  parts: Record<string, number>;
}

/** The rewards of a run, opened. */
export interface RunRewards {
  pay: (verdict: Verdict, response: JudgedResponse) => Reward;
  /** Paths of the modules with the SHA-256 of their text. */
  modules: Record<string, string>;
}

interface Term {
  label: string;
  weight: number;
  pay: RewardFunction;
}

/**
 * Opens the rewards that the settings name; `own` are functions of the caller's by name.
 * @throws REWARD_NAME, REWARD_MODULE, REWARD_WEIGHTS; and REWARD_VALUE when a function pays no finite number
 */
export async function openRewards(
  parts: readonly RewardPart[],
  own: Readonly<Record<string, RewardFunction>> = {},
): Promise<RunRewards> {
  const terms: Term[] = [];
  const modules: Record<string, string> = {};
  for (const part of parts) {
    const term = await openTerm(part, own);
    if (terms.some(({ label }) => label === term.label)) {
      throw userError('REWARD_WEIGHTS', 'each reward once', `${term.label} twice`, 'add up its weights');
    }
    terms.push(term);
    if (part.module !== undefined) modules[part.module] = moduleHash(part.module);
  }
  return { pay: (verdict, response) => payAll(terms, verdict, response), modules };
}

async function openTerm(
  { name, module, export: exported, weight }: RewardPart,
  own: Readonly<Record<string, RewardFunction>>,
): Promise<Term> {
  if (module !== undefined) {
    const label = exported === 'default' ? module : `${module}#${exported}`;
    return { label, weight, pay: await loadFunction(module, exported) };
  }
  if (!Object.hasOwn(own, name!)) return { label: name!, weight, pay: rewardByName(name!) };
  const given: unknown = own[name!];
  if (typeof given === 'function') return { label: name!, weight, pay: given as RewardFunction };
  const expected = `a function as reward ${name}`;
  throw userError('REWARD_MODULE', expected, typeof given, 'give (verdict, response) => number');
}

function payAll(terms: readonly Term[], verdict: Verdict, response: JudgedResponse): Reward {
  const parts: Record<string, number> = {};
  let score = 0;
  for (const { label, weight, pay } of terms) {
    parts[label] = payOne(label, pay, verdict, response);
    score += weight * parts[label];
  }
  if (Number.isFinite(score)) return { score, parts };
  throw userError('REWARD_VALUE', 'a finite weighted sum', String(score), 'lower rewards or weights');
}

/** What a function pays; whatever it does instead of giving a finite number is the user's to correct. */
function payOne(label: string, pay: RewardFunction, verdict: Verdict, response: JudgedResponse): number {
  const refuse = (got: string) =>
    userError('REWARD_VALUE', `a finite number from ${label}`, got, 'correct the function');
  let value: unknown;
  try {
    value = pay(verdict, response);
  } catch (error) {
    throw refuse(`the error ${error instanceof Error ? error.message : reason(error)}`);
  }
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value instanceof Promise) value.catch(() => {}); // its rejection would come after this error, and hide it
  throw refuse(
    typeof value === 'number' ? String(value) : value instanceof Promise ? 'a promise' : typeof value,
  );
}

/** SHA-256 of a module's text; a run resumes with the same alone. */
export function moduleHash(path: string): string {
  return sha256(readUserBytes(path, 'reward module'), 16);
}

async function loadFunction(path: string, exported: string): Promise<RewardFunction> {
  const refuse = (got: string) =>
    userError(
      'REWARD_MODULE',
      `a module that exports the function ${exported}`,
      `${path} ${got}`,
      'export (verdict, response) => number there',
    );
  if (!existsSync(path)) throw refuse('(no such file)');
  let loaded: Record<string, unknown>;
  try {
    // Node loads a module once for each address, and CommonJS once for each path: a changed one must not be the old one.
    delete createRequire(import.meta.url).cache[realpathSync(path)];
    const address = `${pathToFileURL(resolve(path)).href}?sha256=${moduleHash(path)}`;
    loaded = await importUser(address);
  } catch (error) {
    throw refuse(`(${error instanceof Error ? error.message : reason(error)})`);
  }
  const found = loaded[exported];
  if (typeof found !== 'function') throw refuse(`with ${Object.keys(loaded).join(', ') || 'no export'}`);
  return found as RewardFunction;
}

/**
 * Imports a user's module. Outside of a package of ES modules, Node takes a `.ts` file for CommonJS, which only tsx's other
 * hook compiles: without it types would be syntax errors, and those the reason given for whatever else is wrong.
 */
async function importUser(address: string): Promise<Record<string, unknown>> {
  const { register } = await import('tsx/cjs/api');
  const unregister = register();
  try {
    return (await import(address)) as Record<string, unknown>;
  } finally {
    unregister();
  }
}

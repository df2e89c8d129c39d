/** Which samples to show: filters as a user writes them, checked, and then applied to the index alone. */
import { z } from 'zod';
import { userError } from '../../core/errors.ts';
import { parseOps, resolveMode, TEMPLATE_ALIASES } from '../../tasks/index.ts';
import { ERROR_TYPES, FIRST_ERROR_KINDS } from '../../verify/index.ts';
import type { EvaluationIndex } from './evaluation.ts';
import { SAMPLE_VERDICTS } from './verdicts.ts';

const several = <T extends z.ZodType>(one: T) => z.union([one, z.array(one).min(1)]);
const count = z.int().min(1);

const filterSchema = z.strictObject({
  op: z
    .union([z.int().min(0), z.array(z.int().min(0)).min(1), z.string()])
    .optional()
    .describe('4, [4, 6] or "2-4"'),
  context: several(z.string()).optional().describe('name or alias: school'),
  mode: several(z.string()).optional().describe('forward, reverse'),
  verdict: several(z.enum(SAMPLE_VERDICTS)).optional(),
  error: several(z.enum(ERROR_TYPES)).optional().describe('has any of these error types'),
  firstError: several(z.enum([...FIRST_ERROR_KINDS, 'none']))
    .optional()
    .describe('kind of the first failing step'),
  task: several(z.string()).optional().describe('task ids'),
  sample: several(z.int().min(0)).optional().describe('sample indices'),
});

const browseSchema = filterSchema.extend({
  limit: count.max(2000).default(60).describe('most samples in one output'),
  page: count
    .optional()
    .describe('the n-th `limit` matching samples in task order; default a spread over all'),
});

/** All that are given must hold; of a list, one. */
export type SampleFilters = z.input<typeof filterSchema>;
export type BrowseOptions = z.input<typeof browseSchema>;

/** @throws userError BROWSE_FILTER naming every wrong field */
export function parseBrowseOptions(options: BrowseOptions): z.output<typeof browseSchema> {
  return checked(browseSchema, options);
}

function checked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'filters'}: ${message}`);
  const known = Object.keys(browseSchema.shape).join(', ');
  throw userError('BROWSE_FILTER', `filters of ${known}`, issues.join('; '), 'correct these');
}

/**
 * Positions in `from` that pass all filters, in their order.
 * @throws userError BROWSE_FILTER, OPS_INVALID, MODE_UNKNOWN
 */
export function filterPositions(
  evaluation: EvaluationIndex,
  from: Uint32Array,
  given: SampleFilters,
): Uint32Array {
  const { op, context, mode, verdict, error, firstError, task, sample } = checked(filterSchema, given);
  const ops = op === undefined ? undefined : new Set(parseOps(typeof op === 'number' ? [op] : op));
  const templates = templatesOf(evaluation, list(context));
  const modes = setOf(list(mode)?.map(resolveMode));
  const ids = setOf(list(task));
  const tasks = evaluation.tasks.map(
    (one, i) =>
      (ops?.has(one.op) ?? true) &&
      (templates?.has(one.template) ?? true) &&
      (modes?.has(one.mode) ?? true) &&
      (ids?.has(evaluation.ids[i]!) ?? true),
  );
  const verdicts = setOf(list(verdict));
  const mask = list(error)?.reduce((bits, type) => bits | (1 << ERROR_TYPES.indexOf(type)), 0);
  const kinds = setOf(list(firstError)?.map(firstErrorIndex));
  const indices = setOf(list(sample));
  return from.filter((at) => {
    const key = evaluation.key(at);
    return (
      tasks[key.taskIndex]! &&
      (verdicts?.has(key.verdict) ?? true) &&
      (mask === undefined || (key.errors & mask) !== 0) &&
      (kinds?.has(key.firstError) ?? true) &&
      (indices?.has(key.sampleIndex) ?? true)
    );
  });
}

function firstErrorIndex(kind: (typeof FIRST_ERROR_KINDS)[number] | 'none'): number {
  return kind === 'none' ? FIRST_ERROR_KINDS.length : FIRST_ERROR_KINDS.indexOf(kind);
}

/** Templates by name or alias; one that no task has is most likely a slip. */
function templatesOf(evaluation: EvaluationIndex, names: string[] | undefined): Set<string> | undefined {
  if (names === undefined) return undefined;
  const present = new Set(evaluation.tasks.map(({ template }) => template));
  const aliases: Readonly<Record<string, string>> = TEMPLATE_ALIASES;
  return new Set(
    names.map((name) => {
      const template = Object.hasOwn(aliases, name) ? aliases[name]! : name;
      if (present.has(template)) return template;
      const known = [...present].map(contextLabel).join(', ');
      throw userError(
        'BROWSE_FILTER',
        `a context of this evaluation (${known})`,
        name,
        'choose one of these',
      );
    }),
  );
}

/** A context by its alias, where it has one. */
export function contextLabel(template: string): string {
  return Object.entries(TEMPLATE_ALIASES).find(([, name]) => name === template)?.[0] ?? template;
}

function list<T>(value: T | T[] | undefined): T[] | undefined {
  return value === undefined || Array.isArray(value) ? (value as T[] | undefined) : [value];
}

function setOf<T>(values: T[] | undefined): Set<T> | undefined {
  return values === undefined ? undefined : new Set(values);
}

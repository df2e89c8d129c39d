/** Response rows as files hold them: what of a row is the task, and what the response. */
import { InterplayError, userError } from '../core/errors.ts';
import type { TaskGraph } from '../tasks/types.ts';
import type { Gold } from './gold.ts';
import { prepareGold } from './gold.ts';

export interface ResponseRow {
  /** The whole row, unknown fields included. */
  row: Record<string, unknown>;
  task: Gold;
  response: string;
  truncated: boolean;
}

/**
 * A row of a response file: `gold_solution` (or `solution`), `response`, and where present `graph`,
 * `truncated`, `stop_reason`. `where` names file and line in errors.
 * @throws userError VERIFY_ROW, GOLD_UNPARSEABLE, GOLD_GRAPH
 */
export function checkedResponse(value: unknown, where: string): ResponseRow {
  const fail = (expected: string, got: unknown): Error =>
    userError(
      'VERIFY_ROW',
      expected,
      `${JSON.stringify(got) ?? 'nothing'} in ${where}`,
      'repair or remove that row',
    );
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('an object', value);
  const row = value as Record<string, unknown>;
  const field = 'gold_solution' in row ? 'gold_solution' : 'solution';
  const solution = row[field];
  if (typeof solution !== 'string') {
    throw fail(
      field === 'solution' ? 'a text in "gold_solution" or "solution"' : 'a text in "gold_solution"',
      solution,
    );
  }
  if (typeof row.response !== 'string') throw fail('a text in "response"', row.response);
  if (row.truncated !== undefined && typeof row.truncated !== 'boolean') {
    throw fail('true or false in "truncated"', row.truncated);
  }
  return {
    row,
    task: goldOfRow(solution, field, row.graph as TaskGraph | null | undefined, where),
    response: row.response,
    truncated: row.truncated ?? row.stop_reason === 'length',
  };
}

/** Gold errors say which row they are about. */
function goldOfRow(
  solution: string,
  field: string,
  graph: TaskGraph | null | undefined,
  where: string,
): Gold {
  try {
    return prepareGold(graph === undefined || graph === null ? { solution } : { solution, graph });
  } catch (error) {
    if (!(error instanceof InterplayError)) throw error;
    const place = error.code === 'GOLD_GRAPH' ? 'graph' : field;
    throw Object.assign(
      userError('VERIFY_ROW', error.expected, `${error.got}, field "${place}" of ${where}`, error.remedy),
      { code: error.code },
    );
  }
}

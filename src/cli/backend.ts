/** The `--backend` option of the commands that compute. */
import { userError } from '../core/errors.ts';

/** Chooses, and returns the line that says what was chosen and why, to be shown when the work begins. */
export async function chooseBackend(name: string): Promise<string> {
  const { backendNames, useBackend } = await import('../backend/index.ts');
  const known = ['auto', ...backendNames] as const;
  const wanted = known.find((candidate) => candidate === name);
  if (wanted === undefined)
    throw userError('USAGE', `--backend ${known.join('|')}`, name, 'choose one of these');
  const report = await useBackend(wanted);
  return `backend: ${report.name} (${report.reason})`;
}

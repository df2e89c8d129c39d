/** The `--backend` option of the commands that compute: chooses, and says in one line what was chosen and why. */
import { userError } from '../core/errors.ts';

export async function chooseBackend(name: string): Promise<void> {
  const { backendNames, useBackend } = await import('../backend/index.ts');
  const known = ['auto', ...backendNames] as const;
  const wanted = known.find((candidate) => candidate === name);
  if (wanted === undefined)
    throw userError('USAGE', `--backend ${known.join('|')}`, name, 'choose one of these');
  const report = await useBackend(wanted);
  process.stderr.write(`backend: ${report.name} (${report.reason})\n`);
}

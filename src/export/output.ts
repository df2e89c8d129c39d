/** Where exports go: folders of their own, which appear whole. */
import { existsSync, readdirSync } from 'node:fs';
import { userError } from '../core/errors.ts';
import { checkOutputFolder } from '../core/files.ts';

/** Refuses a folder that holds files: an export replaces nothing. @throws EXPORT_EXISTS, OUTPUT_UNWRITABLE */
export function checkNewFolder(out: string): void {
  checkOutputFolder(out);
  if (!existsSync(out) || readdirSync(out).length === 0) return;
  throw userError(
    'EXPORT_EXISTS',
    'a new or empty folder',
    `${out}, which holds files`,
    'choose another --out',
  );
}

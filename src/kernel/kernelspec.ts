/** How the kernel is started, and the folder that tells Jupyter so. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder, userError, writeFileAtomically } from '../core/index.ts';
import type { TypeCheckMode } from './type-check-mode.ts';

export const DISPLAY_NAME = 'TypeScript (Interplay)';
export const LANGUAGE = 'typescript';
export const DEFAULT_NAME = 'interplay';

/**
 * Program and parameters that start a kernel, without the connection file. Without `typeCheck` the environment
 * of the kernel decides, and then the default.
 */
export function kernelCommand(typeCheck?: TypeCheckMode): string[] {
  return [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=DEP0111',
    // Stop cuts code off between the two halves of an async hook; with the checks Node would abort.
    '--no-force-async-hooks-checks',
    fileURLToPath(new URL('./boot.mjs', import.meta.url)),
    ...(typeCheck === undefined ? [] : [`--type-check=${typeCheck}`]),
  ];
}

/**
 * Variables a kernel is started with, beside those of whoever starts it. glibc would give each of the kernel's threads
 * memory pools of its own, which keep what was freed: 45 MB and more once types are checked.
 */
export const KERNEL_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' } as const;

/** Content of `kernel.json`. */
export function kernelJson(typeCheck?: TypeCheckMode): Record<string, unknown> {
  return {
    argv: [...kernelCommand(typeCheck), '{connection_file}'],
    display_name: DISPLAY_NAME,
    language: LANGUAGE,
    // A signal would reach the process, but only while it returns to its event loop.
    interrupt_mode: 'message',
    env: KERNEL_ENVIRONMENT,
    metadata: { debugger: false },
  };
}

export interface KernelspecPlace {
  /** Under the prefix of an environment: `PREFIX/share/jupyter`. */
  prefix?: string;
  /** Jupyter's data folder itself (what JUPYTER_PATH names). */
  dataDirectory?: string;
}

/** The kernelspec folder of `name`; in the user's data folder unless told otherwise. */
export function kernelspecFolder(name: string, place: KernelspecPlace = {}): string {
  if (!/^[a-z0-9._-]+$/i.test(name) || /^\.+$/.test(name)) {
    throw userError('KERNEL_NAME', 'a name of letters, digits, -, _ and .', name, 'choose another --name');
  }
  const data =
    place.dataDirectory ??
    (place.prefix === undefined ? userDataFolder() : join(place.prefix, 'share', 'jupyter'));
  return resolve(data, 'kernels', name);
}

/** Writes the kernelspec and returns its folder; refuses to replace what is not ours. @throws KERNEL_NOT_OURS */
export function installKernelspec(
  name: string,
  place: KernelspecPlace = {},
  typeCheck?: TypeCheckMode,
): string {
  const folder = kernelspecFolder(name, place);
  checkOurs(join(folder, 'kernel.json'), 'choose another --name');
  try {
    makeFolder(folder);
  } catch (error) {
    throw userError(
      'KERNEL_FOLDER_UNWRITABLE',
      'a folder that can be written',
      `${folder} (${(error as NodeJS.ErrnoException).code})`,
      'use --user or another --prefix',
    );
  }
  writeFileAtomically(join(folder, 'kernel.json'), `${JSON.stringify(kernelJson(typeCheck), null, 2)}\n`);
  writeFileAtomically(join(folder, 'logo-svg.svg'), LOGO);
  return folder;
}

/** Removes what install wrote and returns its folder; refuses what is not ours. @throws KERNEL_NOT_OURS */
export function uninstallKernelspec(name: string, place: KernelspecPlace = {}): string {
  const folder = kernelspecFolder(name, place);
  const file = join(folder, 'kernel.json');
  if (!existsSync(file)) {
    throw userError('KERNEL_NOT_INSTALLED', 'an installed kernel', folder, 'see `jupyter kernelspec list`');
  }
  checkOurs(file, 'remove it with jupyter');
  for (const written of [file, join(folder, 'logo-svg.svg')]) rmSync(written, { force: true });
  if (readdirSync(folder).length === 0) rmdirSync(folder);
  return folder;
}

function checkOurs(file: string, remedy: string): void {
  if (!existsSync(file) || readFileSync(file, 'utf8').includes(DISPLAY_NAME)) return;
  throw userError('KERNEL_NOT_OURS', 'a kernelspec written by this program, or none', file, remedy);
}

/** Jupyter's per-user data folder. */
function userDataFolder(): string {
  const given = process.env.JUPYTER_DATA_DIR;
  if (given !== undefined && given !== '') return given;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Jupyter');
  if (process.platform === 'win32') return join(process.env.APPDATA ?? homedir(), 'jupyter');
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'jupyter');
}

export interface StartOptions {
  /** Working folder of the kernel; relative imports of cells start here. */
  cwd: string;
  /** What the kernel itself says (not cells): for the terminal, or nobody. */
  stdio: 'inherit' | 'ignore';
  /** What a type error does, if not what the environment says. */
  typeCheck?: TypeCheckMode | undefined;
  /** Another kernel's program and parameters, for comparisons. */
  command?: readonly string[];
}

/** Starts a kernel process on a connection file. */
export function spawnKernel(connectionFile: string, { cwd, stdio, typeCheck, command }: StartOptions) {
  const [program, ...parameters] = command ?? kernelCommand(typeCheck);
  return spawn(program!, [...parameters, resolve(connectionFile)], {
    cwd,
    stdio: ['ignore', stdio, 'inherit'],
    env: { ...KERNEL_ENVIRONMENT, ...process.env, JPY_PARENT_PID: String(process.pid) },
  });
}

/** Two overlapping curves, rising and falling. */
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<rect width="64" height="64" rx="10" fill="#3178c6"/>
<path d="M8 48C24 48 24 16 40 16S52 28 56 34" fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round"/>
<path d="M8 20C22 20 26 50 40 50S52 44 56 40" fill="none" stroke="#ffd166" stroke-width="5" stroke-linecap="round"/>
</svg>
`;

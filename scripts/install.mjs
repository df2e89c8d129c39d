// What both README commands do first: make sure that dependencies and the compiled engine are there.
// Plain Node, no dependencies, because it runs before there are any.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The project's root folder, with a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command in the project's root with its output shown; returns the exit status. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

/** Installs what is missing or older than package-lock.json, and builds the native engine if it can. */
export function ensureInstalled() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    process.stderr.write(
      `interplay: NODE_VERSION: expected Node 20.19 or newer, got ${process.version}; do update Node\n`,
    );
    process.exit(2);
  }
  if (!isInstalled()) {
    if (lstatSync(`${root}node_modules`, { throwIfNoEntry: false })?.isSymbolicLink()) {
      // npm ci empties the folder behind the link, which is another copy's.
      process.stderr.write(
        'interplay: INSTALL_LINKED: expected the packages of package-lock.json in node_modules, got a link to a folder with others; do install there, or remove the link\n',
      );
      process.exit(2);
    }
    process.stderr.write('Installing dependencies (npm ci) …\n');
    const status = run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
    if (status !== 0) {
      process.stderr.write(
        'interplay: INSTALL_FAILED: expected npm ci to succeed, got the errors above; do run npm ci by hand\n',
      );
      process.exit(2);
    }
  }
  run(process.execPath, ['native/build.mjs']); // quick when up to date; says so itself when it cannot build
}

/** npm writes node_modules/.package-lock.json at the end of an install: the mark of a complete one. */
function isInstalled() {
  const mark = `${root}node_modules/.package-lock.json`;
  if (!existsSync(mark)) return false;
  if (statSync(mark).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs) return true;
  const installed = JSON.parse(readFileSync(mark, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || installed[path]?.version === entry.version,
  );
}

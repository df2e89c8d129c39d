/** The files around a notebook as the compiler sees them: asked once, and again when something has changed. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import ts from './typescript.mjs';

export class ProjectFiles {
  /** Time of the last change by file of the project; files of installed packages do not change by themselves. */
  readonly #versions = new Map<string, string>();
  /** Stamps of folders in which something was looked for: a file that appears or vanishes changes its folder. */
  readonly #folders = new Map<string, string>();
  readonly #packages = new Map<string, string | undefined>();
  readonly #hasFile = new Map<string, boolean>();
  readonly #hasFolder = new Map<string, boolean>();
  #lookedAt = performance.now();
  #changes = 0;
  #hasMoved = false;

  /** Grows when a file of the project, or what is installed, has changed. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether the last look found files that came or went, so that an import may mean another file now. */
  get hasMoved(): boolean {
    return this.#hasMoved;
  }

  /** Compares with the disk, unless that was done within `maxAge` milliseconds; returns whether it was compared now. */
  look(maxAge: number): boolean {
    if (performance.now() - this.#lookedAt < maxAge) return false;
    this.#hasMoved = this.#folderHasChanged();
    if (this.#fileHasChanged() || this.#hasMoved) this.#changes++;
    if (this.#hasMoved) {
      for (const memory of [this.#folders, this.#packages, this.#hasFile, this.#hasFolder]) memory.clear();
      for (const path of this.#versions.keys()) if (isInstalled(path)) this.#versions.delete(path);
    }
    this.#lookedAt = performance.now();
    return true;
  }

  version(path: string): string {
    return remember(this.#versions, path, stampOf);
  }

  /** The text of a file, undefined if there is none. */
  read(path: string): string | undefined {
    if (!path.endsWith('package.json')) return ts.sys.readFile(path);
    if (!isInstalled(path)) this.version(path);
    return remember(this.#packages, path, (file) => ts.sys.readFile(file));
  }

  fileExists(path: string): boolean {
    this.#follow(dirname(path));
    return remember(this.#hasFile, path, (file) => ts.sys.fileExists(file));
  }

  folderExists(path: string): boolean {
    this.#follow(path);
    return remember(this.#hasFolder, path, (folder) => ts.sys.directoryExists(folder));
  }

  /** The inside of a package is not followed: it changes when the package is replaced, and with it its folder. */
  #follow(folder: string): void {
    if (isInstalled(folder) && !/[\\/]node_modules[\\/]@[^\\/]+$/.test(folder)) return;
    remember(this.#folders, folder, stampOf);
  }

  #folderHasChanged(): boolean {
    for (const [folder, stamp] of this.#folders) if (stampOf(folder) !== stamp) return true;
    return false;
  }

  #fileHasChanged(): boolean {
    let hasChanged = false;
    for (const [path, stamp] of this.#versions) {
      if (isInstalled(path)) continue;
      const now = stampOf(path);
      if (now === stamp) continue;
      this.#versions.set(path, now);
      hasChanged = true;
      // It says what kind of modules the files beside it are.
      if (path.endsWith('package.json')) this.#hasMoved = true;
    }
    return hasChanged;
  }
}

function remember<T>(memory: Map<string, T>, path: string, ask: (path: string) => T): T {
  const known = memory.get(path);
  if (known !== undefined || memory.has(path)) return known as T;
  const answer = ask(path);
  memory.set(path, answer);
  return answer;
}

function isInstalled(path: string): boolean {
  return /[\\/]node_modules[\\/]/.test(path);
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.mtimeMs} ${stat.size}`;
}

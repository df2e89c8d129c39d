/**
 * The cells of a session as TypeScript modules, so that the compiler can reason about the cell being
 * written: each cell becomes a file that exports what it declares, and begins with one line that imports
 * what the cells before it declared last.
 */
import { basename, join } from 'node:path';
import { boundNames, parseModule, syntaxErrors } from './cell/transform.ts';
import { HELPERS, helperImport } from './helpers.ts';
import { PARAMETERS_HEAD } from './nbformat.ts';
import ts from './typescript.mjs';

/** How a later cell gets at a name of an earlier one. */
type Kind = 'value' | 'variable' | 'type' | 'import' | 'helper';

interface Declared {
  name: string;
  kind: Kind;
  /** For `import`: the statement that imports this name alone. */
  statement?: string;
}

export interface VirtualFile {
  path: string;
  text: string;
  /** Offset in `text` at which the user's code begins. */
  start: number;
}

export class VirtualCells {
  readonly #folder: string;
  readonly #files = new Map<string, VirtualFile>();
  /** By name: where it was declared last. */
  readonly #latest = new Map<string, Declared & { path: string }>();
  #version = 0;

  constructor(folder: string) {
    this.#folder = folder;
    for (const name of Object.keys(HELPERS)) {
      this.#latest.set(name, { name, kind: 'helper', statement: helperImport(name), path: '' });
    }
    this.#keep();
  }

  /**
   * A file that imports all others: what the cells import stays loaded, whatever the draft mentions, and the
   * list of files the compiler starts from stays the same, which lets it keep most of its work.
   */
  get keepPath(): string {
    return this.#path('keep');
  }

  /** The file of code that has not run; it imports what it needs of the others. */
  get draftPath(): string {
    return this.#path('draft');
  }

  /** Grows when the text of a file changes. */
  get version(): number {
    return this.#version;
  }

  get files(): ReadonlyMap<string, VirtualFile> {
    return this.#files;
  }

  /**
   * A cell that was run, by its serial number; one that does not parse has declared nothing. Parameters keep
   * the type their notebook declares, so that a value from outside makes no type error the author never saw.
   */
  add(serial: number, code: string): void {
    const source = parseModule(code, 'cell.ts');
    if (syntaxErrors(source).length > 0) return;
    const declared = declarations(source);
    const path = this.#path(String(serial));
    this.#set(this.#file(path, code, declared, 'mentioned'));
    this.#keep();
    const keepsTypes = code.startsWith(`${PARAMETERS_HEAD}\n`);
    for (const entry of declared) {
      if (!keepsTypes || !this.#latest.has(entry.name)) this.#latest.set(entry.name, { ...entry, path });
    }
  }

  /**
   * Makes the draft file for code that has not run: with all names, since any may be typed next, or with
   * those the code mentions, which is less to work through.
   */
  draft(code: string, names: 'all' | 'mentioned'): VirtualFile {
    const path = this.draftPath;
    const file = this.#file(path, code, declarations(parseModule(code, 'cell.ts')), names);
    this.#set(file);
    return file;
  }

  #set(file: VirtualFile): void {
    if (this.#files.get(file.path)?.text !== file.text) this.#version++;
    this.#files.set(file.path, file);
  }

  #keep(): void {
    const path = this.keepPath;
    const others = [...this.#files.keys()].filter((file) => file !== path && file !== this.draftPath);
    const lines = others.map((file) => `import './${basename(file)}';`);
    this.#set({ path, text: `export {};\n${lines.join('\n')}\n`, start: 0 });
  }

  #path(name: string): string {
    // .mts: an ES module whatever package.json says, so that top-level await is allowed.
    return join(this.#folder, `__interplay_cell_${name}.mts`);
  }

  #file(path: string, code: string, declared: readonly Declared[], names: 'all' | 'mentioned'): VirtualFile {
    const own = new Set(declared.map(({ name }) => name));
    const mentioned = new Set(code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu));
    const visible = [...this.#latest.values()].filter(
      ({ name, kind }) => !own.has(name) && (mentioned.has(name) || (names === 'all' && kind !== 'helper')),
    );
    const prelude = `${visible.map(importLine).join(' ')}\n`;
    const exported = exportLine(declared, code);
    return { path, text: `${prelude}${code}\n${exported}`, start: prelude.length };
  }
}

function importLine({ name, kind, statement, path }: Declared & { path: string }): string {
  const from = `'./${basename(path)}'`;
  if (kind === 'import' || kind === 'helper') return statement ?? '';
  if (kind === 'type') return `import type { ${name} } from ${from};`;
  // An imported binding could not be assigned to, a variable of an earlier cell can.
  if (kind === 'variable') return `declare let ${name}: typeof import(${from}).${name};`;
  return `import { ${name} } from ${from};`;
}

function exportLine(declared: readonly Declared[], code: string): string {
  const isExported = (name: string) =>
    new RegExp(`\\bexport\\b[^;{]*\\b${name.replace(/\$/g, '\\$')}\\b`).test(code);
  const names = (kinds: readonly Kind[]) =>
    declared.filter(({ name, kind }) => kinds.includes(kind) && !isExported(name)).map(({ name }) => name);
  return `export { ${names(['value', 'variable']).join(', ')} }; export type { ${names(['type']).join(', ')} };`;
}

/** Top-level names of a cell, types included. */
function declarations(source: ts.SourceFile): Declared[] {
  const found = new Map<string, Declared>();
  const add = (name: string, kind: Kind, statement?: string) => {
    const before = found.get(name)?.kind;
    // One name for a type and a value: an import brings both.
    const isBoth = before !== undefined && (before === 'type') !== (kind === 'type');
    found.set(name, {
      name,
      kind: isBoth ? 'value' : kind,
      ...(statement === undefined ? {} : { statement }),
    });
  };
  for (const node of source.statements) {
    if (ts.isImportDeclaration(node)) imports(node, add);
    else if (ts.isImportEqualsDeclaration(node)) add(node.name.text, 'import', node.getText());
    else if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) add(node.name.text, 'type');
    else if (ts.isVariableStatement(node)) {
      const { flags, declarations: list } = node.declarationList;
      if ((flags & ts.NodeFlags.Using) === ts.NodeFlags.Using) continue;
      const kind = (flags & ts.NodeFlags.Const) === 0 ? 'variable' : 'value';
      for (const { name } of list) for (const bound of boundNames(name)) add(bound, kind);
    } else if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) {
      if (node.name !== undefined) add(node.name.text, 'value');
    } else if (ts.isEnumDeclaration(node)) add(node.name.text, 'value');
    else if (ts.isModuleDeclaration(node) && ts.isIdentifier(node.name)) add(node.name.text, 'value');
  }
  return [...found.values()];
}

function imports(
  node: ts.ImportDeclaration,
  add: (name: string, kind: Kind, statement: string) => void,
): void {
  const clause = node.importClause;
  const from = `from ${node.moduleSpecifier.getText()}${node.attributes ? ` ${node.attributes.getText()}` : ''};`;
  const type = clause?.isTypeOnly ? 'type ' : '';
  if (clause?.name !== undefined)
    add(clause.name.text, 'import', `import ${type}${clause.name.text} ${from}`);
  const bindings = clause?.namedBindings;
  if (bindings === undefined) return;
  if (ts.isNamespaceImport(bindings)) {
    add(bindings.name.text, 'import', `import ${type}* as ${bindings.name.text} ${from}`);
    return;
  }
  for (const element of bindings.elements) {
    add(element.name.text, 'import', `import ${type}{ ${element.getText()} } ${from}`);
  }
}

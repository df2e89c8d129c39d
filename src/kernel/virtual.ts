/**
 * The cells of a session as TypeScript modules, so that the compiler can reason about the cell being
 * written: each cell becomes a file that exports what it declares, and begins with one line that imports
 * what the cells before it declared last.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { boundNames, parseModule, syntaxErrors } from './cell/transform.ts';

/** How a later cell gets at a name of an earlier one. */
type Kind = 'value' | 'variable' | 'type' | 'import';

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

  constructor(folder: string) {
    this.#folder = folder;
  }

  get files(): ReadonlyMap<string, VirtualFile> {
    return this.#files;
  }

  /** A cell that was run; one that does not parse has declared nothing. */
  add(count: number, code: string): void {
    const source = parseModule(code, 'cell.ts');
    if (syntaxErrors(source).length > 0) return;
    const declared = declarations(source);
    const path = this.#path(String(count));
    this.#files.set(path, this.#file(path, code, declared));
    for (const entry of declared) this.#latest.set(entry.name, { ...entry, path });
  }

  /** The file for code that is being written and has not run. */
  draft(code: string): VirtualFile {
    const path = this.#path('draft');
    const file = this.#file(path, code, declarations(parseModule(code, 'cell.ts')));
    this.#files.set(path, file);
    return file;
  }

  #path(name: string): string {
    // .mts: an ES module whatever package.json says, so that top-level await is allowed.
    return join(this.#folder, `__interplay_cell_${name}.mts`);
  }

  #file(path: string, code: string, declared: readonly Declared[]): VirtualFile {
    const own = new Set(declared.map(({ name }) => name));
    const visible = [...this.#latest.values()].filter(({ name }) => !own.has(name));
    const prelude = `${visible.map(importLine).join(' ')}\n`;
    const exported = exportLine(declared, code);
    return { path, text: `${prelude}${code}\n${exported}`, start: prelude.length };
  }
}

function importLine({ name, kind, statement, path }: Declared & { path: string }): string {
  const from = `'./${path.split(/[\\/]/).at(-1)}'`;
  if (kind === 'import') return statement ?? '';
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
    found.set(name, { name, kind, ...(statement === undefined ? {} : { statement }) });
  };
  for (const node of source.statements) {
    if (ts.isImportDeclaration(node)) imports(node, add);
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

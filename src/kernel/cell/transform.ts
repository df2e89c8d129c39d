/**
 * A notebook cell in TypeScript → a script whose value is an async function that runs the cell.
 *
 * Three things are not as in a module: top-level names become properties of the global object (so that
 * later cells see them, closures follow a reassignment, and a name may be declared again), the last
 * expression is returned, and every `await` goes through the kernel (so that Stop reaches it). All of it is
 * done by small edits of the text, then TypeScript lowers the rest (types, enums, decorators, `using`);
 * both steps keep a map back to the text the user wrote.
 */
import { SourceMap } from 'node:module';
import ts from '../typescript.mjs';
import { Edits } from './edits.ts';
import { Lines, type Position } from './position.ts';
import { hiddenName, topLevelReferences } from './shadow.ts';
import { CellSyntaxError } from './syntax-error.ts';

/** Name of the one parameter of the compiled function, the {@link CellRuntime} of the cell. */
const RUNTIME = '__cell';

export interface TransformOptions {
  /** Shown in errors, e.g. `cell-3.ts`. */
  cellName: string;
  /** Names of the global object before any cell ran; a variable of this name is kept under another. */
  builtins: ReadonlySet<string>;
  /** Built-in names that earlier cells declared as variables. */
  hidden?: ReadonlySet<string>;
  /** Names that are loaded for a cell that uses them without declaring them. */
  helpers?: ReadonlySet<string>;
}

export interface CompiledCell {
  /** JavaScript; its completion value is `async (__cell) => result`. */
  js: string;
  /** Properties the global object must have before the cell runs. */
  globals: string[];
  /** Built-in names this cell declares as variables of its own. */
  hidden: string[];
  /** Helpers this cell uses. */
  helpers: string[];
  /** Position in the cell of each `await`, by the number passed to the runtime. */
  awaits: Position[];
  /** Position in the cell of a position in `js`. */
  toCell(position: Position): Position;
}

/** Compiles one cell; throws {@link CellSyntaxError}. */
export function transformCell(code: string, options: TransformOptions): CompiledCell {
  const source = parseCell(code, options.cellName);
  const rewriter = new Rewriter(source, code, options);
  const edited = rewriter.run();
  const output = ts.transpileModule(edited.text, {
    fileName: options.cellName,
    reportDiagnostics: false,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      sourceMap: true,
      alwaysStrict: true,
      isolatedModules: true,
    },
  });
  const map = new SourceMap(JSON.parse(output.sourceMapText!));
  const editedLines = new Lines(edited.text);
  const cellLines = new Lines(code);
  const end = code.trimEnd().length;
  return {
    js: output.outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, ''),
    globals: [...rewriter.globals],
    hidden: [...rewriter.hidden],
    helpers: usedHelpers(source, code, options.helpers, rewriter.globals),
    awaits: rewriter.awaits.map((offset) => cellLines.position(offset)),
    toCell({ line, column }) {
      const entry = map.findEntry(line, column);
      if (!('originalLine' in entry)) return { line: 0, column: 0 };
      const offset = editedLines.offset({ line: entry.originalLine, column: entry.originalColumn });
      return cellLines.position(Math.min(edited.toOriginal(offset), end));
    },
  };
}

/** Parses as a module, in which top-level `await` and imports are allowed; an object literal is accepted. */
function parseCell(code: string, cellName: string): ts.SourceFile {
  const source = parseModule(code, cellName);
  const [first] = syntaxErrors(source);
  if (first === undefined) return source;
  const position = new Lines(code).position(Math.min(first.start ?? 0, code.trimEnd().length));
  throw new CellSyntaxError(
    ts.flattenDiagnosticMessageText(first.messageText, '\n'),
    cellName,
    code,
    position,
  );
}

/** Syntax tree of a cell; the appended statement makes it a module whatever it contains. */
export function parseModule(code: string, fileName: string): ts.SourceFile {
  return ts.createSourceFile(fileName, `${code}\nexport {};`, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TS);
}

/** Syntax errors of a tree from {@link parseModule}. */
export function syntaxErrors(source: ts.SourceFile): readonly ts.DiagnosticWithLocation[] {
  return (source as unknown as { parseDiagnostics: ts.DiagnosticWithLocation[] }).parseDiagnostics;
}

/** Names of `helpers` that the cell means, looked for in the tree only where the text has them. */
function usedHelpers(
  source: ts.SourceFile,
  code: string,
  helpers: ReadonlySet<string> = new Set(),
  declared: ReadonlySet<string> = new Set(),
): string[] {
  const words = new Set(code.match(/[A-Za-z]+/g));
  const possible = new Set([...words].filter((word) => helpers.has(word) && !declared.has(word)));
  if (possible.size === 0) return [];
  return [...new Set([...topLevelReferences(source, possible)].map(({ text }) => text))];
}

class Rewriter {
  readonly globals = new Set<string>();
  readonly hidden = new Set<string>();
  readonly awaits: number[] = [];
  readonly #source: ts.SourceFile;
  readonly #edits: Edits;
  readonly #code: string;
  readonly #hoisted: string[] = [];
  readonly #builtins: ReadonlySet<string>;
  readonly #hiddenBefore: ReadonlySet<string>;
  #renamed: ReadonlySet<ts.Identifier> = new Set();
  #last: ts.Statement | undefined;

  constructor(source: ts.SourceFile, code: string, options: TransformOptions) {
    this.#source = source;
    this.#code = code;
    this.#edits = new Edits(code);
    this.#builtins = options.builtins;
    this.#hiddenBefore = options.hidden ?? new Set();
  }

  run() {
    const statements = this.#source.statements.slice(0, -1);
    for (const name of declaredNames(statements)) {
      if (this.#builtins.has(name)) this.hidden.add(name);
    }
    const names = new Set([...this.hidden, ...this.#hiddenBefore]);
    if (names.size > 0) this.#renamed = topLevelReferences(this.#source, names);
    this.#last = statements.findLast((statement) => !isErased(statement));
    for (const statement of statements) this.#statement(statement);
    // One line break only, after the cell: a cell may end in a line comment.
    const head = `(async (${RUNTIME}) => {${this.#hoisted.join('')}`;
    const body = this.#edits.apply();
    return {
      text: `${head}${body.text}\n})`,
      toOriginal: (offset: number) => body.toOriginal(Math.max(0, offset - head.length)),
    };
  }

  /** Name under which the top-level variable `name` is kept; declares it. */
  #global(name: string): string {
    const kept = this.hidden.has(name) ? hiddenName(name) : name;
    this.globals.add(kept);
    return kept;
  }

  #statement(node: ts.Statement): void {
    if (isErased(node)) {
      if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) this.#blank(node);
      else this.#dropModifiers(node, [ts.SyntaxKind.ExportKeyword]);
    } else if (ts.isImportDeclaration(node)) this.#import(node);
    else if (ts.isExportDeclaration(node)) this.#blank(node);
    else if (ts.isImportEqualsDeclaration(node)) this.#importEquals(node);
    else if (ts.isExportAssignment(node)) {
      this.#edits.remove(node.getStart(), node.expression.getStart());
      this.#expression(node.expression, node === this.#last);
    } else if (ts.isVariableStatement(node) && !isUsing(node.declarationList)) {
      this.#dropModifiers(node, [ts.SyntaxKind.ExportKeyword]);
      this.#declarations(node.declarationList, true);
    } else if (ts.isFunctionDeclaration(node)) this.#function(node);
    else if (ts.isClassDeclaration(node)) this.#class(node);
    else if (ts.isEnumDeclaration(node) || ts.isModuleDeclaration(node)) this.#enumOrNamespace(node);
    else if (ts.isExpressionStatement(node)) this.#expression(node.expression, node === this.#last);
    else this.#visit(node, false);
  }

  #expression(node: ts.Expression, isResult: boolean): void {
    if (isResult) this.#edits.insert(node.getStart(), 'return (');
    this.#visit(node, false);
    if (isResult) this.#edits.insert(node.getEnd(), ');');
  }

  /** `import a, { b as c } from 'x'` → `({ default: a, b: c } = __cell.exports(await import('x'), …))`. */
  #import(node: ts.ImportDeclaration): void {
    const attributes = node.attributes?.elements.map((element) => element.getText()).join(', ');
    const specifier = node.moduleSpecifier.getText();
    const json = /\.json['"]$/.test(specifier) ? "type: 'json'" : undefined;
    const given = attributes ?? json;
    const loaded = `import(${specifier}${given === undefined ? '' : `, { with: { ${given} } }`})`;
    const awaited = `await ${this.#wait(node.getStart(), `${RUNTIME}.load(() => ${loaded})`)}`;
    this.#edits.replace(node.getStart(), node.getEnd(), this.#binding(node, awaited, specifier));
  }

  #binding(node: ts.ImportDeclaration, awaited: string, specifier: string): string {
    const clause = node.importClause;
    if (clause === undefined) return `${awaited};`;
    const wanted: string[] = [];
    const targets: string[] = [];
    const want = (imported: string, local: string) => {
      const used = isValueUsed(this.#source, local);
      wanted.push(`[${JSON.stringify(imported)}, ${used}]`);
      targets.push(`${JSON.stringify(imported)}: ${this.#global(local)}`);
    };
    if (clause.name !== undefined) want('default', clause.name.text);
    const bindings = clause.namedBindings;
    if (bindings !== undefined && ts.isNamedImports(bindings)) {
      for (const element of bindings.elements) {
        if (!element.isTypeOnly) want((element.propertyName ?? element.name).text, element.name.text);
      }
    }
    const namespace =
      bindings !== undefined && ts.isNamespaceImport(bindings) ? this.#global(bindings.name.text) : undefined;
    const module = namespace === undefined ? awaited : `${namespace} = ${awaited}`;
    if (wanted.length === 0) return `${module};`;
    const picked = `${RUNTIME}.exports(${module}, ${specifier}, [${wanted.join(', ')}])`;
    return `void ({ ${targets.join(', ')} } = ${picked});`;
  }

  #importEquals(node: ts.ImportEqualsDeclaration): void {
    const name = this.#global(node.name.text);
    const reference = node.moduleReference;
    const value = ts.isExternalModuleReference(reference)
      ? `require(${reference.expression.getText()})`
      : reference.getText();
    this.#edits.replace(node.getStart(), node.getEnd(), `${name} = ${value};`);
  }

  /** `const a = 1, { b } = c` → `a = 1, ({ b } = c)`; as a statement it may not begin with a bracket. */
  #declarations(list: ts.VariableDeclarationList, isStatement: boolean): void {
    const [first] = list.declarations;
    if (first === undefined) return;
    const isVar = (list.flags & ts.NodeFlags.BlockScoped) === 0;
    const inLoopHead = !isStatement && first.initializer === undefined && !ts.isForStatement(list.parent);
    this.#edits.remove(list.getStart(), first.getStart());
    for (const declaration of list.declarations) {
      const { name, type, exclamationToken, initializer } = declaration;
      for (const identifier of boundNames(name)) this.#global(identifier);
      const isPattern = !ts.isIdentifier(name);
      const start = declaration === first && isStatement ? 'void (' : '(';
      if (isPattern && !inLoopHead) this.#edits.insert(name.getStart(), start);
      this.#pattern(name);
      const typed = exclamationToken ?? type;
      if (typed !== undefined) this.#edits.remove(name.getEnd(), (type ?? typed).getEnd());
      if (initializer !== undefined) this.#visit(initializer, false);
      else if (!isVar && isStatement) this.#edits.insert(declaration.getEnd(), ' = undefined');
      if (isPattern && !inLoopHead) this.#edits.insert(declaration.getEnd(), ')');
    }
  }

  /** A binding pattern reads the same as an assignment pattern, but for renamed shorthands. */
  #pattern(name: ts.BindingName): void {
    if (ts.isIdentifier(name)) {
      this.#identifier(name);
      return;
    }
    for (const element of name.elements) {
      if (ts.isOmittedExpression(element)) continue;
      if (element.propertyName !== undefined) this.#visit(element.propertyName, false);
      this.#pattern(element.name);
      if (element.initializer !== undefined) this.#visit(element.initializer, false);
    }
  }

  /** Stays a declaration, hence hoisted, under another name; the global gets it before anything runs. */
  #function(node: ts.FunctionDeclaration): void {
    this.#dropModifiers(node, [ts.SyntaxKind.ExportKeyword, ts.SyntaxKind.DefaultKeyword]);
    if (node.name === undefined) {
      this.#edits.insert(this.#afterDropped(node), '(');
      this.#children(node, true);
      this.#edits.insert(node.getEnd(), ');');
      return;
    }
    const { text } = node.name;
    const local = `${text}__cell`;
    this.#hoisted.push(`${this.#global(text)} = ${RUNTIME}.named(${local}, ${JSON.stringify(text)});`);
    this.#edits.replace(node.name.getStart(), node.name.getEnd(), local);
    for (const child of [...node.parameters, node.body!]) this.#visit(child, true);
  }

  #class(node: ts.ClassDeclaration): void {
    const { ExportKeyword, DefaultKeyword, AbstractKeyword } = ts.SyntaxKind;
    const start = this.#dropModifiers(node, [ExportKeyword, DefaultKeyword, AbstractKeyword]);
    const target = node.name === undefined ? '(' : `${this.#global(node.name.text)} = `;
    this.#edits.insert(start, target);
    ts.forEachChild(node, (child) => {
      if (child !== node.name) this.#visit(child, true);
    });
    this.#edits.insert(node.getEnd(), node.name === undefined ? ');' : ';');
  }

  #enumOrNamespace(node: ts.EnumDeclaration | ts.ModuleDeclaration): void {
    const start = this.#dropModifiers(node, [ts.SyntaxKind.ExportKeyword]);
    let root: ts.Node = node.name;
    while (ts.isPropertyAccessExpression(root)) root = root.expression;
    const name = (root as ts.Identifier).text;
    this.#edits.insert(start, `${this.#global(name)} = (() => { `);
    this.#children(node, true);
    // A namespace of types only leaves nothing behind to return.
    this.#edits.insert(node.getEnd(), ` return typeof ${name} === 'undefined' ? undefined : ${name}; })();`);
  }

  /** Everything below statements; `inFunction`: `var` belongs to a function, not to the notebook. */
  #visit(node: ts.Node, inFunction: boolean): void {
    if (ts.isIdentifier(node)) this.#identifier(node);
    else if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    else if (ts.isAwaitExpression(node)) {
      const operand = node.expression;
      this.#edits.insert(operand.getStart(), this.#waitHead());
      this.#visit(operand, inFunction);
      this.#edits.insert(operand.getEnd(), this.#waitTail(node.getStart()));
    } else if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) {
      this.#visit(node.initializer, inFunction);
      this.#edits.insert(node.expression.getStart(), `${RUNTIME}.iterate(`);
      this.#visit(node.expression, inFunction);
      this.#edits.insert(node.expression.getEnd(), this.#waitTail(node.getStart()));
      this.#visit(node.statement, inFunction);
    } else if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
      this.#edits.replace(node.getStart(), node.getEnd(), `${RUNTIME}.meta`);
    } else if (isImportCall(node)) {
      this.#edits.insert(node.getStart(), `${RUNTIME}.load(() => `);
      this.#children(node, inFunction);
      this.#edits.insert(node.getEnd(), ')');
    } else if (ts.isVariableDeclarationList(node) && !inFunction && isPlainVar(node)) {
      this.#declarations(node, ts.isVariableStatement(node.parent));
    } else this.#children(node, inFunction);
  }

  #children(node: ts.Node, inFunction: boolean): void {
    const inside = inFunction || ts.isFunctionLike(node) || ts.isClassStaticBlockDeclaration(node);
    ts.forEachChild(node, (child) => this.#visit(child, inside));
  }

  #identifier(node: ts.Identifier): void {
    if (!this.#renamed.has(node)) return;
    const { parent } = node;
    const kept = hiddenName(node.text);
    const isShorthand =
      ts.isShorthandPropertyAssignment(parent) ||
      (ts.isBindingElement(parent) &&
        parent.propertyName === undefined &&
        parent.dotDotDotToken === undefined &&
        ts.isObjectBindingPattern(parent.parent));
    this.#edits.replace(node.getStart(), node.getEnd(), isShorthand ? `${node.text}: ${kept}` : kept);
  }

  #waitHead(): string {
    return `${RUNTIME}.wait(`;
  }

  #waitTail(offset: number): string {
    this.awaits.push(offset);
    return `, ${this.awaits.length - 1})`;
  }

  #wait(offset: number, expression: string): string {
    return `${this.#waitHead()}${expression}${this.#waitTail(offset)}`;
  }

  #blank(node: ts.Node): void {
    this.#edits.remove(node.getStart(), node.getEnd());
  }

  /** Removes the named modifiers and returns where the rest of the declaration begins. */
  #dropModifiers(node: ts.Node, kinds: readonly ts.SyntaxKind[]): number {
    const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
    for (const modifier of modifiers) {
      if (kinds.includes(modifier.kind))
        this.#edits.remove(modifier.getStart(), endWithSpace(modifier, this.#code));
    }
    const decorators = ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : [];
    const kept = [...decorators, ...modifiers.filter((modifier) => !kinds.includes(modifier.kind))];
    const starts = kept.map((modifier) => modifier.getStart());
    return Math.min(...starts, this.#afterDropped(node));
  }

  /** Where a declaration begins behind its modifiers and decorators. */
  #afterDropped(node: ts.Node): number {
    const before = (node as { modifiers?: readonly ts.Node[] }).modifiers ?? [];
    const last = before.at(-1);
    return last === undefined ? node.getStart() : endWithSpace(last, this.#code);
  }
}

function endWithSpace(node: ts.Node, code: string): number {
  let end = node.getEnd();
  while (/\s/.test(code[end] ?? '')) end++;
  return end;
}

/** `import(…)` that may be put into a function: one that waits for its own parameter may not. */
function isImportCall(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return false;
  const waits = (inner: ts.Node): boolean =>
    ts.isAwaitExpression(inner) || ts.isYieldExpression(inner) || ts.forEachChild(inner, waits) === true;
  return !node.arguments.some(waits);
}

function isUsing(list: ts.VariableDeclarationList): boolean {
  return (list.flags & ts.NodeFlags.Using) === ts.NodeFlags.Using;
}

function isPlainVar(list: ts.VariableDeclarationList): boolean {
  return (list.flags & ts.NodeFlags.BlockScoped) === 0;
}

/** Statements that leave nothing in the JavaScript. */
function isErased(node: ts.Statement): boolean {
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isEmptyStatement(node))
    return true;
  if (ts.isImportDeclaration(node)) return node.importClause?.isTypeOnly === true;
  if (ts.isImportEqualsDeclaration(node)) return node.isTypeOnly;
  if (ts.isExportDeclaration(node)) return true;
  if (ts.isFunctionDeclaration(node) && node.body === undefined) return true;
  if (ts.isModuleDeclaration(node) && !ts.isIdentifier(node.name)) return true;
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword) ?? false;
}

/** Names of a binding pattern, outside in. */
export function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) =>
    ts.isOmittedExpression(element) ? [] : boundNames(element.name),
  );
}

/** Top-level value names a list of statements declares (also by `var` inside blocks). */
export function declaredNames(statements: readonly ts.Statement[]): string[] {
  const names: string[] = [];
  const vars = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isVariableDeclarationList(node) && isPlainVar(node)) {
      for (const declaration of node.declarations) names.push(...boundNames(declaration.name));
    }
    ts.forEachChild(node, vars);
  };
  for (const node of statements) {
    if (isErased(node)) continue;
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      if (clause?.name !== undefined) names.push(clause.name.text);
      const bindings = clause?.namedBindings;
      if (bindings !== undefined && ts.isNamespaceImport(bindings)) names.push(bindings.name.text);
      else if (bindings !== undefined) names.push(...bindings.elements.map((element) => element.name.text));
    } else if (ts.isVariableStatement(node) && !isPlainVar(node.declarationList)) {
      if (isUsing(node.declarationList)) continue;
      for (const declaration of node.declarationList.declarations)
        names.push(...boundNames(declaration.name));
    } else if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) {
      if (node.name !== undefined) names.push(node.name.text);
    } else if (ts.isEnumDeclaration(node) || ts.isImportEqualsDeclaration(node)) names.push(node.name.text);
    else if (ts.isModuleDeclaration(node)) names.push(node.name.text);
    else vars(node);
  }
  return names;
}

/**
 * Whether `name` is used as a value somewhere in the cell. An imported name that is not may be a type, which
 * has no export at run time, so its absence is no error.
 */
function isValueUsed(source: ts.SourceFile, name: string): boolean {
  let used = false;
  const visit = (node: ts.Node): void => {
    if (used || ts.isImportDeclaration(node)) return;
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isHeritageClause(node) && node.token === ts.SyntaxKind.ImplementsKeyword) return;
    if (ts.isIdentifier(node) && node.text === name && !isPropertyName(node)) used = true;
    else ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return used;
}

function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  return (ts.isPropertyAssignment(parent) || ts.isClassElement(parent)) && parent.name === node;
}

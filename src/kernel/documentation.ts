/**
 * The documentation of declarations. The language service reads no JSDoc, which would be a tenth of its memory and of
 * its start; the comment in front of one declaration is read when somebody asks for it.
 */
import ts from './typescript.mjs';

const PATH = '/documented.ts';

export class Documentation {
  readonly #service: ts.LanguageService;
  /** Reads one comment, in front of a declaration that means nothing. */
  readonly #reader: ts.LanguageService;
  #text = '';
  #version = 0;

  /** `service`: knows where things are declared. */
  constructor(service: ts.LanguageService) {
    this.#service = service;
    const host: ts.LanguageServiceHost = {
      getCompilationSettings: () => ({ noLib: true, noResolve: true, types: [] }),
      getScriptFileNames: () => [PATH],
      getScriptVersion: () => String(this.#version),
      getScriptSnapshot: (path) => (path === PATH ? ts.ScriptSnapshot.fromString(this.#text) : undefined),
      getCurrentDirectory: () => '/',
      getDefaultLibFileName: () => '',
      fileExists: (path) => path === PATH,
      readFile: () => undefined,
    };
    this.#reader = ts.createLanguageService(host);
  }

  /** What is written about the name at an offset where it is declared, tags included; '' if nothing is. */
  at(path: string, offset: number): string {
    const definitions = this.#service.getDefinitionAtPosition(path, offset) ?? [];
    const program = this.#service.getProgram();
    const texts = definitions.map(({ fileName, textSpan, contextSpan = textSpan }) => {
      const source = program?.getSourceFile(fileName);
      if (source === undefined) return '';
      const own = this.#read(commentBefore(source.text, declarationStart(source, contextSpan.start)));
      return withHead(own, source.text);
    });
    return [...new Set(texts)].filter((text) => text !== '').join('\n');
  }

  #read(comment: string): string {
    if (comment === '') return '';
    this.#text = `${comment}\ndeclare const x: 1;`;
    this.#version++;
    const info = this.#reader.getQuickInfoAtPosition(PATH, this.#text.lastIndexOf('x'));
    const tags = (info?.tags ?? []).map(({ name, text }) => `@${name} ${textOf(text)}`.trim());
    return [textOf(info?.documentation), ...tags].filter((line) => line !== '').join('\n');
  }
}

/** Of the value of a variable or a property, a call knows the function alone: where all of it begins. */
function declarationStart(source: ts.SourceFile, start: number): number {
  let declaration = start;
  let owner: ts.Node | undefined;
  const visit = (node: ts.Node): void => {
    if (node.pos > start || node.end <= start) return;
    if (isValued(node)) owner = node;
    else if (ts.isBlock(node) || ts.isObjectLiteralExpression(node)) owner = undefined;
    const isMeant = ts.isFunctionLike(node) || ts.isVariableDeclaration(node);
    if (owner !== undefined && isMeant && node.getStart(source) === start) {
      declaration = owner.getStart(source);
    } else ts.forEachChild(node, visit);
  };
  visit(source);
  return declaration;
}

function isValued(node: ts.Node): boolean {
  return ts.isVariableStatement(node) || ts.isPropertyDeclaration(node) || ts.isPropertyAssignment(node);
}

const HEAD = /[;,]? see the head of this file/;

/** A text that refers to the head of its file, with that head: nobody sees the file in a notebook. */
function withHead(text: string, file: string): string {
  if (!HEAD.test(text)) return text;
  const [comment] = ts.getLeadingCommentRanges(file, 0) ?? [];
  if (comment === undefined) return text;
  const lines = file
    .slice(comment.pos, comment.end)
    .replace(/^\/\*\*\s*|\s*\*\/$/g, '')
    .split('\n');
  return `${text.replace(HEAD, '')}\n\n${lines.map((line) => line.replace(/^ \* ?/, '')).join('\n')}`;
}

/** The reader does not know what a link leads to, and puts a space behind the name then. */
function textOf(parts: ts.SymbolDisplayPart[] | undefined): string {
  return ts.displayPartsToString(parts).replace(/(\{@link\w* [^{}]*?) \}/g, '$1}');
}

/** The JSDoc comment that ends right before `start`, '' if none does. */
export function commentBefore(text: string, start: number): string {
  let end = start;
  while (end > 0 && /\s/.test(text[end - 1]!)) end--;
  if (!text.startsWith('*/', end - 2)) return '';
  // Comments do not nest, and `/**/` is an empty one of the other kind.
  const from = text.lastIndexOf('/*', end - 3);
  if (from < 0 || text[from + 2] !== '*' || end - from <= 4) return '';
  // On a line with other code it belongs to that.
  const line = text.slice(text.lastIndexOf('\n', from) + 1, from);
  return /^\s*(?:\/\*.*?\*\/\s*)*$/.test(line) ? text.slice(from, end) : '';
}

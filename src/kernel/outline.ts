/**
 * Source files as others see them. The compiler checks cells only; of a module that cells import it needs the types,
 * and what a function with a written return type does inside changes none of them.
 */
import ts from './typescript.mjs';

/** `text` of the file at `path` without the bodies of functions whose type is written; a third of the memory it takes. */
export function outline(path: string, text: string): string {
  if (!/(?<!\.d)\.[cm]?tsx?$/.test(path)) return text;
  const options: ts.CreateSourceFileOptions = {
    languageVersion: ts.ScriptTarget.ESNext,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  };
  const kept: string[] = [];
  let from = 0;
  const visit = (node: ts.Node): void => {
    const body = innerPart(node);
    if (body === undefined) {
      ts.forEachChild(node, visit);
      return;
    }
    kept.push(text.slice(from, body.pos), ' {}');
    from = body.end;
  };
  visit(ts.createSourceFile(path, text, options));
  return kept.join('') + text.slice(from);
}

/** A constructor is kept: it can give a property its type. */
function innerPart(node: ts.Node): ts.Block | undefined {
  if (ts.isSetAccessor(node)) return node.body;
  const isFunction =
    ts.isFunctionDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isGetAccessor(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node);
  if (!isFunction || node.type === undefined || node.body === undefined) return undefined;
  return ts.isBlock(node.body) ? node.body : undefined;
}

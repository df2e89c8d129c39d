/**
 * Cell variables live on the global object, so a cell that declares `URL` or `performance` would replace
 * the built-in for every library in the process. Such a variable gets another name inside the kernel; this
 * file finds the identifiers that mean it.
 */
import ts from '../typescript.mjs';

/** The name under which a variable is kept that would hide a built-in. */
export function hiddenName(name: string): string {
  return `__cell_${name}`;
}

/**
 * Identifiers of `source` that refer to one of `names` at the top level (declared by this cell or an earlier
 * one), not to something local of the same name.
 */
export function topLevelReferences(source: ts.SourceFile, names: ReadonlySet<string>): Set<ts.Identifier> {
  const host: ts.CompilerHost = {
    getSourceFile: (name) => (name === source.fileName ? source : undefined),
    getDefaultLibFileName: () => 'lib.d.ts',
    writeFile: () => {},
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    fileExists: (name) => name === source.fileName,
    readFile: () => undefined,
  };
  const options: ts.CompilerOptions = { noLib: true, noResolve: true, target: ts.ScriptTarget.ESNext };
  const checker = ts.createProgram([source.fileName], options, host).getTypeChecker();
  const topLevel = (source as unknown as { locals?: Map<string, ts.Symbol> }).locals ?? new Map();
  const found = new Set<ts.Identifier>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && names.has(node.text) && isReference(node)) {
      const symbol = ts.isShorthandPropertyAssignment(node.parent)
        ? checker.getShorthandAssignmentValueSymbol(node.parent)
        : checker.getSymbolAtLocation(node);
      const declared = symbol?.declarations?.length ?? 0;
      if (symbol === undefined || declared === 0 || topLevel.get(node.text) === symbol) found.add(node);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Whether an identifier stands for a variable, not for a property, a label or a name in an import list. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isBindingElement(parent)) return parent.propertyName !== node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return false;
  if (ts.isMetaProperty(parent) || ts.isNamedTupleMember(parent)) return false;
  if (
    ts.isPropertyAssignment(parent) ||
    ts.isClassElement(parent) ||
    ts.isTypeElement(parent) ||
    ts.isEnumMember(parent)
  ) {
    return (parent as { name?: ts.Node }).name !== node;
  }
  return true;
}

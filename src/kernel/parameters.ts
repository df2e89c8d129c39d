/**
 * Parameters of a notebook from outside, as papermill has them: the cell tagged `parameters` declares them with their
 * defaults, a cell behind it sets them. What would not arrive is refused before anything runs: a name that the
 * notebook does not have, a text where it declares a number.
 */
import { userError } from '../core/index.ts';
import { declaredNames, parseModule } from './cell/transform.ts';
import { type Cell, hasTag, type Notebook, sourceOf } from './nbformat.ts';
import type { Json } from './protocol.ts';
import ts from './typescript.mjs';

type Kind = 'a number' | 'a text' | 'true or false' | 'null' | 'a list' | 'an object';

/** What a parameter may be; undefined: anything, as far as one can see without a compiler. */
type Allowed = ReadonlySet<Kind> | undefined;

const EXAMPLES: Readonly<Record<Kind, string>> = {
  'a number': '100',
  'a text': 'text',
  'true or false': 'true',
  null: 'null',
  'a list': "'[1, 2]'",
  'an object': `'{"a": 1}'`,
};

/**
 * Values of parameters that were written as `name=text`. The text is JSON or else itself, and what the notebook
 * declares decides where both are possible: for a parameter that is a text, `42` is one.
 * @throws PARAMETER_UNKNOWN, PARAMETER_UNTAGGED, PARAMETER_TYPE
 */
export function parameterValues(notebook: Notebook, texts: ReadonlyMap<string, string>): Map<string, Json> {
  const cells = notebook.cells.filter(
    (cell) => cell.cell_type === 'code' && !hasTag(cell, 'injected-parameters'),
  );
  const declared = declaredParameters(cells.find((cell) => hasTag(cell, 'parameters')));
  return new Map(
    [...texts].map(([name, text]) => {
      if (declared?.has(name)) return [name, parameterValue(name, text, declared.get(name))];
      checkUse(name, cells, declared);
      return [name, parameterValue(name, text, undefined)];
    }),
  );
}

/** Refuses a name that no cell would see. */
function checkUse(
  name: string,
  cells: readonly Cell[],
  declared: ReadonlyMap<string, Allowed> | undefined,
): void {
  const sources = cells.map(sourceOf);
  const redeclares = sources.findIndex((code) =>
    declaredNames(parseModule(code, 'cell.ts').statements).includes(name),
  );
  if (redeclares >= 0 && declared === undefined) {
    throw userError(
      'PARAMETER_UNTAGGED',
      'a cell tagged `parameters` that declares the parameters',
      `a notebook without one, which sets ${name} itself`,
      `tag the cell with ${name} in Jupyter`,
    );
  }
  if (redeclares < 0 && sources.some((code) => identifiers(code).has(name))) return;
  const known =
    declared === undefined || declared.size === 0
      ? 'it uses'
      : `it declares (${[...declared.keys()].join(', ')})`;
  throw userError(
    'PARAMETER_UNKNOWN',
    `a parameter of the notebook, one that ${known}`,
    name,
    'correct the name, or declare it in the cell tagged `parameters`',
  );
}

function identifiers(code: string): Set<string> {
  return new Set(code.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu));
}

function parameterValue(name: string, text: string, allowed: Allowed): Json {
  const parsed = parseJson(text);
  const kind = parsed === undefined ? 'a text' : kindOf(parsed);
  if (allowed === undefined || allowed.has(kind)) {
    if (parsed === undefined) return text;
    if (isExact(parsed, text)) return parsed;
  }
  if (allowed?.has('a text')) return text;
  const number = allowed?.has('a number') ? numberOf(text) : undefined;
  if (number !== undefined) return number;
  const kinds = allowed === undefined ? ['a number'] : [...allowed];
  throw userError(
    'PARAMETER_TYPE',
    `${name} to be ${kinds.join(' or ')}${kind === 'a number' ? ' that keeps all its digits' : ''}`,
    text === '' ? 'nothing' : text,
    `write -p ${name}=${EXAMPLES[kinds[0] as Kind]}`,
  );
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function kindOf(value: Json): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return 'a number';
  if (typeof value === 'boolean') return 'true or false';
  return typeof value === 'string' ? 'a text' : 'an object';
}

/** A seed of twenty digits would become another one. */
function isExact(value: Json, text: string): boolean {
  if (typeof value !== 'number') return true;
  return Number.isFinite(value) && (Number.isSafeInteger(value) || !/^\s*-?\d+\s*$/.test(text));
}

/** Numbers as TypeScript writes them and JSON does not: `.5`, `1_000`, `0x10`. */
function numberOf(text: string): number | undefined {
  const isNumber =
    /^[+-]?(0[xob][\da-f_]+|(\d[\d_]*)?\.?[\d_]*(e[+-]?\d+)?)$/i.test(text.trim()) && /\d/.test(text);
  const value = isNumber ? Number(text.replaceAll('_', '')) : Number.NaN;
  return Number.isFinite(value) && isExact(value, text.replaceAll('_', '').replace('+', ''))
    ? value
    : undefined;
}

/** The variables that the tagged cell declares, and what they may be. */
function declaredParameters(cell: Cell | undefined): Map<string, Allowed> | undefined {
  if (cell === undefined) return undefined;
  const { statements } = parseModule(sourceOf(cell), 'cell.ts');
  const found = new Map<string, Allowed>(declaredNames(statements).map((name) => [name, undefined]));
  for (const statement of statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, type, initializer } of statement.declarationList.declarations) {
      if (ts.isIdentifier(name))
        found.set(name.text, type === undefined ? kindsOfValue(initializer) : kindsOfType(type));
    }
  }
  return found;
}

function kindsOfType(type: ts.TypeNode): Allowed {
  if (ts.isParenthesizedTypeNode(type)) return kindsOfType(type.type);
  if (ts.isUnionTypeNode(type)) {
    const kinds = type.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword).map(kindsOfType);
    return kinds.includes(undefined) ? undefined : new Set(kinds.flatMap((some) => [...some!]));
  }
  if (ts.isLiteralTypeNode(type)) {
    return type.literal.kind === ts.SyntaxKind.NullKeyword
      ? new Set(['null'])
      : kindsOfValue(type.literal as ts.Expression);
  }
  if (ts.isArrayTypeNode(type) || ts.isTupleTypeNode(type)) return new Set(['a list']);
  if (ts.isTypeOperatorNode(type)) return kindsOfType(type.type);
  const kind = KEYWORDS.get(type.kind);
  return kind === undefined ? undefined : new Set([kind]);
}

const KEYWORDS: ReadonlyMap<ts.SyntaxKind, Kind> = new Map([
  [ts.SyntaxKind.NumberKeyword, 'a number'],
  [ts.SyntaxKind.StringKeyword, 'a text'],
  [ts.SyntaxKind.BooleanKeyword, 'true or false'],
] as const);

function kindsOfValue(value: ts.Expression | undefined): Allowed {
  if (value === undefined) return undefined;
  if (ts.isAsExpression(value) && value.type.getText() !== 'const') return kindsOfType(value.type);
  if (ts.isParenthesizedExpression(value) || ts.isAsExpression(value) || ts.isSatisfiesExpression(value)) {
    return kindsOfValue(value.expression);
  }
  if (ts.isPrefixUnaryExpression(value)) return kindsOfValue(value.operand);
  if (ts.isNumericLiteral(value)) return new Set(['a number']);
  if (ts.isStringLiteralLike(value) || ts.isTemplateExpression(value)) return new Set(['a text']);
  if (value.kind === ts.SyntaxKind.TrueKeyword || value.kind === ts.SyntaxKind.FalseKeyword)
    return new Set(['true or false']);
  if (ts.isArrayLiteralExpression(value)) return new Set(['a list']);
  return ts.isObjectLiteralExpression(value) ? new Set(['an object']) : undefined;
}

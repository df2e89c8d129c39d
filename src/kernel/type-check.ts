/**
 * The main thread's side of the type check. A cell is checked by the language thread before it runs, and the
 * main thread stays in its event loop meanwhile, so that Stop is heard.
 */
import { Interrupted } from './cell/traceback.ts';
import { parseModule } from './cell/transform.ts';
import type { FromMain } from './channel.ts';
import type { CellDiagnostic } from './diagnostics.ts';
import type { TypeCheckMode } from './type-check-mode.ts';
import ts from './typescript.mjs';

/** A cell waits this long (milliseconds); then it runs unchecked and says so. */
const PATIENCE_MS = 30_000;

export class TypeCheck {
  mode: TypeCheckMode;
  readonly #send: (message: FromMain) => void;
  readonly #waiting = new Map<number, (diagnostics: CellDiagnostic[] | undefined) => void>();

  constructor(mode: TypeCheckMode, send: (message: FromMain) => void) {
    this.mode = mode;
    this.#send = send;
  }

  /** Whether `code` has to be checked before it runs. */
  applies(code: string): boolean {
    return this.mode !== 'off' && !optsOut(code) && !cannotFail(code);
  }

  /** The type errors of a cell; undefined when they could not be had in time. Rejects once `signal` aborts. */
  async errors(cell: number, code: string, signal: AbortSignal): Promise<CellDiagnostic[] | undefined> {
    const answered = new Promise<CellDiagnostic[] | undefined>((resolve) => this.#waiting.set(cell, resolve));
    this.#send({ kind: 'check', cell, code });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS, undefined);
    });
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Interrupted()), { once: true });
    });
    try {
      const diagnostics = await Promise.race([answered, late, stopped]);
      // Cells may also make names without declaring them.
      return diagnostics?.filter(({ missing }) => missing === undefined || !(missing in globalThis));
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(cell);
    }
  }

  /** The language thread has answered. */
  answer(cell: number, diagnostics: CellDiagnostic[] | undefined): void {
    this.#waiting.get(cell)?.(diagnostics);
  }
}

/** `// @ts-nocheck` among the comments a cell begins with. */
function optsOut(code: string): boolean {
  return (ts.getLeadingCommentRanges(code, 0) ?? []).some(({ pos, end }) =>
    /^\/\/\/?\s*@ts-nocheck\b/.test(code.slice(pos, end)),
  );
}

/** Arithmetic, a text, a single name: TypeScript has nothing to say that running them would not. */
function cannotFail(code: string): boolean {
  const statements = parseModule(code, 'cell.ts').statements.slice(0, -1);
  return statements.every(
    (node) =>
      ts.isEmptyStatement(node) ||
      (ts.isExpressionStatement(node) &&
        (ts.isIdentifier(node.expression) ||
          ts.isStringLiteralLike(node.expression) ||
          isArithmetic(node.expression))),
  );
}

function isArithmetic(node: ts.Expression): boolean {
  if (ts.isNumericLiteral(node)) return true;
  if (ts.isParenthesizedExpression(node)) return isArithmetic(node.expression);
  if (ts.isPrefixUnaryExpression(node))
    return node.operator === ts.SyntaxKind.MinusToken && isArithmetic(node.operand);
  return (
    ts.isBinaryExpression(node) &&
    ARITHMETIC.has(node.operatorToken.kind) &&
    isArithmetic(node.left) &&
    isArithmetic(node.right)
  );
}

const ARITHMETIC: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.PlusToken,
  ts.SyntaxKind.MinusToken,
  ts.SyntaxKind.AsteriskToken,
  ts.SyntaxKind.SlashToken,
  ts.SyntaxKind.PercentToken,
]);

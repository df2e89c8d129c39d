/**
 * The one way this project reports what a user did wrong. A user error has a stable code (listed in
 * docs/errors.md) and says what was expected, what came and what to do; the command line prints it as one
 * line and exits with 2. A broken invariant of our own is a plain `Error` from {@link internalError}.
 */
export class InterplayError extends Error {
  readonly code: string;
  readonly expected: string;
  readonly got: string;
  readonly remedy: string;

  constructor(code: string, expected: string, got: string, remedy: string) {
    super(`expected ${expected}, got ${got}; ${remedy}`);
    this.name = 'InterplayError';
    this.code = code;
    this.expected = expected;
    this.got = got;
    this.remedy = remedy;
  }

  /** By name, so that an error of a second copy of this module (a hot reload in a notebook) is recognised. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'InterplayError';
  }
}

/**
 * A user error, to be thrown: `throw userError(CODE, 'ops within 2-40', '1-3', 'raise the lower end')`
 * reads `expected ops within 2-40, got 1-3; raise the lower end`.
 */
export function userError(code: string, expected: string, got: string, remedy: string): InterplayError {
  return new InterplayError(code, oneLine(expected), oneLine(got), oneLine(remedy));
}

/** A fault of ours, never the user's: keeps its stack trace wherever it surfaces. */
export function internalError(message: string): Error {
  return new Error(`internal error: ${message}`);
}

/** Errors are one line, whatever a user's value contains; long values are cut. */
function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length > 300 ? `${flat.slice(0, 297)}…` : flat;
}

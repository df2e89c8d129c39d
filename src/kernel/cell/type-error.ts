import { codeFrame, Lines } from './position.ts';

/** Errors shown in full; fixing the first often removes the others. */
const MOST_SHOWN = 10;

/** A cell that TypeScript refuses; nothing of it has run. */
export class CellTypeError extends TypeError {
  /** Every error with the lines around it. */
  readonly report: string[];

  constructor(
    errors: readonly { code: number; message: string; start: number }[],
    name: string,
    code: string,
  ) {
    const lines = new Lines(code);
    const shown = errors.slice(0, MOST_SHOWN).map(({ code: number, message, start }) => {
      const position = lines.position(start);
      const place = `${name}:${position.line + 1}:${position.column + 1}`;
      return { number, text: `${message} (${place})`, frame: codeFrame(code, position) };
    });
    const more = errors.length - 1;
    super(`${shown[0]?.text}${more > 0 ? `, and ${more} more` : ''}`);
    this.name = `TypeScript error TS${shown[0]?.number}`;
    this.report = shown.flatMap(({ number, text, frame }) => [
      `TypeScript error TS${number}: ${text}`,
      ...frame,
    ]);
    if (errors.length > MOST_SHOWN) this.report.push(`… and ${errors.length - MOST_SHOWN} more errors`);
  }
}

/** Lines and columns of a text, both counted from 0 inside the kernel and shown from 1. */
export interface Position {
  line: number;
  column: number;
}

/** Converts between offsets and positions of one text. */
export class Lines {
  readonly starts: number[] = [0];
  readonly #length: number;

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.starts.push(at + 1);
    this.#length = text.length;
  }

  position(offset: number): Position {
    let line = 0;
    let high = this.starts.length - 1;
    while (line < high) {
      const middle = (line + high + 1) >> 1;
      if (this.starts[middle]! <= offset) line = middle;
      else high = middle - 1;
    }
    return { line, column: offset - this.starts[line]! };
  }

  offset({ line, column }: Position): number {
    const start = this.starts[Math.min(line, this.starts.length - 1)]!;
    return Math.min(start + column, this.#length);
  }
}

/**
 * The lines around a position with a mark under it:
 *
 *       1 | const a = 1;
 *     > 2 | const b = ;
 *         |           ^
 */
export function codeFrame(code: string, position: Position, around = 2): string[] {
  const lines = code.split('\n');
  const first = Math.max(0, position.line - around);
  const last = Math.min(lines.length - 1, position.line + around);
  const width = String(last + 1).length;
  const frame: string[] = [];
  for (let line = first; line <= last; line++) {
    const mark = line === position.line ? '>' : ' ';
    frame.push(`${mark} ${String(line + 1).padStart(width)} | ${lines[line]}`);
    if (line === position.line) {
      // Tabs are kept, so that the mark stands under its character whatever the tab width.
      const indent = (lines[line] ?? '').slice(0, position.column).replace(/[^\t]/g, ' ');
      frame.push(`  ${' '.repeat(width)} | ${indent}^`);
    }
  }
  return frame;
}

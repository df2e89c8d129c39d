import { codeFrame, type Position } from './position.ts';

/** A cell that cannot be compiled; nothing of it has run. */
export class CellSyntaxError extends SyntaxError {
  readonly cellName: string;
  readonly code: string;
  readonly position: Position;

  constructor(message: string, cellName: string, code: string, position: Position) {
    super(message);
    this.name = 'SyntaxError';
    this.cellName = cellName;
    this.code = code;
    this.position = position;
  }

  /** `cell-3.ts:2:5` */
  get place(): string {
    return `${this.cellName}:${this.position.line + 1}:${this.position.column + 1}`;
  }

  frame(): string[] {
    return codeFrame(this.code, this.position);
  }
}

/**
 * A list of text edits that knows where every character came from, so that errors can be shown at the place
 * the user wrote.
 */
interface Edit {
  start: number;
  end: number;
  text: string;
}

export interface EditedText {
  text: string;
  /** Offset in the original text of an offset in the edited text; inserted text maps to its insertion point. */
  toOriginal(offset: number): number;
}

/** Collects edits of one text; edits may not overlap, insertions at one place keep their order. */
export class Edits {
  readonly #original: string;
  readonly #edits: Edit[] = [];

  constructor(original: string) {
    this.#original = original;
  }

  insert(at: number, text: string): void {
    this.replace(at, at, text);
  }

  remove(start: number, end: number): void {
    this.replace(start, end, '');
  }

  replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  apply(): EditedText {
    const edits = this.#edits.toSorted((a, b) => a.start - b.start);
    // Runs of the edited text: from `out` on, text comes from `from` on, character by character when `copied`.
    const runs: { out: number; from: number; copied: boolean }[] = [];
    let text = '';
    let at = 0;
    const copyUpTo = (end: number) => {
      if (end <= at) return;
      runs.push({ out: text.length, from: at, copied: true });
      text += this.#original.slice(at, end);
      at = end;
    };
    for (const edit of edits) {
      copyUpTo(edit.start);
      if (edit.text !== '') runs.push({ out: text.length, from: edit.start, copied: false });
      text += edit.text;
      at = Math.max(at, edit.end);
    }
    copyUpTo(this.#original.length);
    return {
      text,
      toOriginal(offset) {
        let low = 0;
        let high = runs.length - 1;
        while (low < high) {
          const middle = (low + high + 1) >> 1;
          if (runs[middle]!.out <= offset) low = middle;
          else high = middle - 1;
        }
        const run = runs[low];
        if (run === undefined) return 0;
        return run.copied ? run.from + Math.max(0, offset - run.out) : run.from;
      },
    };
  }
}

/**
 * Joins the many small writes of a cell into few stream messages. Text waits a moment for more of the same
 * cell and stream; anything else the kernel publishes is preceded by what waits, so the order is kept.
 */
export type PublishStream = (cell: number, name: string, text: string) => void;

/** Text waits this long for company. */
const DELAY_MS = 40;

/** Text of this length (UTF-16 units) waits no longer. */
const ENOUGH = 1024 * 1024;

export class StreamJoiner {
  readonly #publish: PublishStream;
  readonly #waiting: { cell: number; name: string; parts: string[] }[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(publish: PublishStream) {
    this.#publish = publish;
  }

  add(cell: number, name: string, text: string): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.cell === cell && last.name === name) last.parts.push(text);
    else this.#waiting.push({ cell, name, parts: [text] });
    this.#length += text.length;
    if (this.#length >= ENOUGH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), DELAY_MS);
  }

  /** Publishes everything that waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#length = 0;
    for (const { cell, name, parts } of this.#waiting.splice(0)) this.#publish(cell, name, parts.join(''));
  }
}

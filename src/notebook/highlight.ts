/** Quantities in a text, each marked with the colour of its node. */
import { escapeHtml } from './html.ts';

/** A node of a graph as far as texts name it. */
export interface NamedNode {
  name: string;
  value?: number | null;
}

/** Light backgrounds, so that dark text stays readable; neighbours in the list differ clearly. */
const TINTS = [
  '#cfe6f5',
  '#fde3c0',
  '#cdeee2',
  '#f6d5e7',
  '#fbf3b3',
  '#dcd8f3',
  '#d9efb9',
  '#fad2cc',
  '#c9edf2',
  '#e9dcc9',
] as const;

/** Marks names in texts; a name gets the same colour everywhere. */
export class Highlighter {
  readonly #pattern: RegExp | undefined;
  readonly #marks = new Map<string, { tint: string; title: string }>();

  constructor(nodes: readonly NamedNode[]) {
    for (const [i, { name, value }] of nodes.entries()) {
      const title = value === undefined || value === null ? name : `${name} = ${value}`;
      if (name !== '') this.#marks.set(name, { tint: TINTS[i % TINTS.length]!, title });
    }
    // Longer names first: one name may be the beginning of another.
    const names = [...this.#marks.keys()].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    if (names.length > 0) this.#pattern = new RegExp(names.map(escapePattern).join('|'), 'g');
  }

  /** The text as HTML, with names in `<mark>`. */
  html(text: string): string {
    if (this.#pattern === undefined) return escapeHtml(text);
    let html = '';
    let end = 0;
    for (const match of text.matchAll(this.#pattern)) {
      html += escapeHtml(text.slice(end, match.index)) + this.#mark(match[0]);
      end = match.index + match[0].length;
    }
    return html + escapeHtml(text.slice(end));
  }

  #mark(name: string): string {
    const { tint, title } = this.#marks.get(name)!;
    const style = `background:${tint};color:inherit;border-radius:3px;padding:0 2px`;
    return `<mark style="${style}" title="${escapeHtml(title)}">${escapeHtml(name)}</mark>`;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Quantities in a text, each marked with the colour of its node. */
import type { QuantityMark } from '../figures/index.ts';
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

interface Mark {
  tint: string;
  title: string;
  /** Place in the list, from 1. */
  number: number;
}

/**
 * Marks names in texts; a name gets the same colour everywhere. With `numbered`, each mark also bears the number of its
 * node, so that colour is not all that tells nodes apart.
 */
export class Highlighter {
  readonly #pattern: RegExp | undefined;
  readonly #marks = new Map<string, Mark>();
  readonly #numbered: boolean;

  constructor(nodes: readonly NamedNode[], { numbered = false }: { numbered?: boolean } = {}) {
    this.#numbered = numbered;
    for (const [i, { name, value }] of nodes.entries()) {
      const title = value === undefined || value === null ? name : `${name} = ${value}`;
      if (name !== '') this.#marks.set(name, { tint: TINTS[i % TINTS.length]!, title, number: i + 1 });
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

  /** Colour and number of each name, for drawings beside the text. */
  quantities(): Map<string, QuantityMark> {
    return new Map(
      [...this.#marks].map(([name, { tint, number }]) => [name, { fill: tint, label: String(number) }]),
    );
  }

  #mark(name: string): string {
    const { tint, title, number } = this.#marks.get(name)!;
    const style = `background:${tint};color:#222222;border-radius:3px;padding:0 2px`;
    const key = this.#numbered ? ` data-quantity="${number}"` : '';
    const label = this.#numbered ? `<small style="font-size:75%;opacity:0.85">${number}\u00a0</small>` : '';
    return `<mark style="${style}"${key} title="${escapeHtml(title)}">${label}${escapeHtml(name)}</mark>`;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

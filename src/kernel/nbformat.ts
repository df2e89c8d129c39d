/** Notebook files (nbformat 4): reading with coded errors, outputs as Jupyter saves them, parameters. */
import { createHash } from 'node:crypto';
import { userError } from '../core/index.ts';
import { isObject, type Json, type JsonObject, type Message } from './protocol.ts';

/** First line of the cell that holds parameters from outside. */
export const PARAMETERS_HEAD = '// Parameters';

export interface Cell {
  cell_type: string;
  id?: string;
  metadata: JsonObject;
  source: string | string[];
  execution_count?: number | null;
  outputs?: Output[];
  [key: string]: unknown;
}

export type Output = JsonObject & { output_type: string };

export interface Notebook {
  nbformat: number;
  nbformat_minor: number;
  metadata: JsonObject;
  cells: Cell[];
  [key: string]: unknown;
}

/** The notebook in `text`; throws NOTEBOOK_INVALID naming what is wrong. */
export function parseNotebook(text: string, path: string): Notebook {
  const bad = (got: string) =>
    userError(
      'NOTEBOOK_INVALID',
      'a notebook in nbformat 4',
      `${path}: ${got}`,
      'open and save it in Jupyter',
    );
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw bad(text.trim() === '' ? 'an empty file' : `not JSON (${(error as Error).message})`);
  }
  if (!isObject(value)) throw bad('JSON, but not an object');
  if (value.nbformat !== 4) throw bad(`nbformat ${JSON.stringify(value.nbformat)}`);
  if (!Array.isArray(value.cells)) throw bad('no list of cells');
  value.cells.forEach((cell: unknown, at) => {
    if (!isObject(cell)) throw bad(`cell ${at + 1} is not an object`);
    if (typeof cell.cell_type !== 'string') throw bad(`cell ${at + 1} has no cell_type`);
    const { source } = cell;
    const isText =
      typeof source === 'string' || (Array.isArray(source) && source.every((s) => typeof s === 'string'));
    if (!isText) throw bad(`the source of cell ${at + 1} is no text`);
    cell.metadata ??= {};
    if (!isObject(cell.metadata)) throw bad(`the metadata of cell ${at + 1} is not an object`);
  });
  value.metadata ??= {};
  if (!isObject(value.metadata)) throw bad('metadata is not an object');
  if (typeof value.nbformat_minor !== 'number') value.nbformat_minor = 0;
  return value as unknown as Notebook;
}

/** Refuses a notebook that says it is in another language. @throws NOTEBOOK_LANGUAGE */
export function checkLanguage({ metadata }: Notebook, path: string): void {
  const { kernelspec, language_info: info } = metadata;
  const said = (isObject(kernelspec) && kernelspec.language) || (isObject(info) && info.name);
  if (typeof said !== 'string' || /^(typescript|javascript|ts|js)$/i.test(said)) return;
  throw userError(
    'NOTEBOOK_LANGUAGE',
    'a notebook in TypeScript',
    `${path} in ${said}`,
    'run it with its own kernel',
  );
}

/** Text of a notebook file, with the key order and indentation Jupyter writes. */
export function formatNotebook(notebook: Notebook): string {
  return `${JSON.stringify(sortKeys(notebook), null, 1)}\n`;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}

/** Text of a cell. */
export function sourceOf(cell: Cell): string {
  return Array.isArray(cell.source) ? cell.source.join('') : cell.source;
}

/** Text as notebook files store it: a list of lines, each but the last with its line break. */
export function toLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

/**
 * Brings a notebook to what Jupyter would save (nbformat 4.5, every cell with an id, texts by lines) and names our kernel and language, so that
 * Jupyter opens it with them.
 */
export function modernize(notebook: Notebook, kernel: JsonObject, language: JsonObject): void {
  notebook.nbformat_minor = Math.max(5, notebook.nbformat_minor);
  const taken = new Set(notebook.cells.map((cell) => cell.id));
  const seen = new Set<string>();
  notebook.cells.forEach((cell, at) => {
    // Editors copy cells with their id; Jupyter corrects such a notebook, other readers refuse it.
    const { id } = cell;
    const isFine = typeof id === 'string' && /^[\w-]{1,64}$/.test(id) && !seen.has(id);
    cell.id = isFine ? id : freshId(`${at}\n${sourceOf(cell)}`, taken);
    seen.add(cell.id);
    cell.source = toLines(sourceOf(cell));
    if (cell.cell_type !== 'code') return;
    cell.outputs ??= [];
    cell.execution_count ??= null;
  });
  notebook.metadata = { ...notebook.metadata, kernelspec: kernel, language_info: language };
}

/** An id that depends on the notebook only, so that running it twice gives the same file. */
function freshId(content: string, taken: Set<string | undefined>): string {
  for (let salt = 0; ; salt++) {
    const id = createHash('sha256').update(`${salt}\n${content}`).digest('hex').slice(0, 8);
    if (!taken.has(id)) {
      taken.add(id);
      return id;
    }
  }
}

/**
 * Puts parameters into a notebook as papermill does: a cell tagged `injected-parameters` behind the one
 * tagged `parameters` (or first), in place of an earlier injection. Their cell assigns instead of declaring
 * what the notebook declares, since a name may be declared again anyway.
 */
export function injectParameters(notebook: Notebook, parameters: ReadonlyMap<string, Json>): void {
  if (parameters.size === 0) return;
  const lines = [...parameters].map(([name, value]) => `var ${name} = ${JSON.stringify(value)};`);
  notebook.cells = notebook.cells.filter((cell) => !hasTag(cell, 'injected-parameters'));
  const at = notebook.cells.findIndex((cell) => hasTag(cell, 'parameters')) + 1;
  const source = toLines([PARAMETERS_HEAD, ...lines].join('\n'));
  const metadata = { tags: ['injected-parameters'] };
  notebook.cells.splice(at, 0, { cell_type: 'code', metadata, source, execution_count: null, outputs: [] });
}

export function hasTag(cell: Cell, tag: string): boolean {
  const tags = cell.metadata.tags;
  return Array.isArray(tags) && tags.includes(tag);
}

/** The outputs of a notebook as its messages come in. */
export class OutputCollector {
  /** Where each display id was shown, in any cell so far. */
  readonly #displays = new Map<string, Output[]>();
  readonly #clearOnNext = new Set<Output[]>();

  /** Applies an IOPub message to the outputs of the cell it belongs to. */
  add(outputs: Output[], { header, content }: Message): void {
    switch (header.msg_type) {
      case 'stream':
        this.#clearIfAsked(outputs);
        addStream(outputs, String(content.name), String(content.text));
        break;
      case 'display_data':
      case 'execute_result':
        this.#clearIfAsked(outputs);
        this.#show(outputs, header.msg_type, content);
        break;
      case 'update_display_data':
        this.#update(content);
        break;
      case 'error':
        this.#clearIfAsked(outputs);
        outputs.push({ output_type: 'error', ...pick(content, ['ename', 'evalue', 'traceback']) });
        break;
      case 'clear_output':
        if (content.wait === true) this.#clearOnNext.add(outputs);
        else outputs.length = 0;
        break;
    }
  }

  #clearIfAsked(outputs: Output[]): void {
    if (this.#clearOnNext.delete(outputs)) outputs.length = 0;
  }

  #show(outputs: Output[], type: string, content: JsonObject): void {
    const output: Output = {
      output_type: type,
      data: storedData(content.data as JsonObject),
      metadata: (content.metadata ?? {}) as JsonObject,
    };
    if (type === 'execute_result') output.execution_count = content.execution_count as number;
    outputs.push(output);
    const id = displayId(content);
    if (id !== undefined) this.#displays.set(id, [...(this.#displays.get(id) ?? []), output]);
  }

  #update(content: JsonObject): void {
    for (const output of this.#displays.get(displayId(content) ?? '') ?? []) {
      output.data = storedData(content.data as JsonObject);
      output.metadata = (content.metadata ?? {}) as JsonObject;
    }
  }
}

/** Consecutive writes to one stream are one output, as Jupyter saves them. */
function addStream(outputs: Output[], name: string, text: string): void {
  const last = outputs.at(-1);
  if (last?.output_type === 'stream' && last.name === name) last.text = `${last.text}${text}`;
  else outputs.push({ output_type: 'stream', name, text });
}

function displayId(content: JsonObject): string | undefined {
  const id = (content.transient as JsonObject | undefined)?.display_id;
  return typeof id === 'string' ? id : undefined;
}

/** Outputs as they are saved: long texts as lists of lines, JSON types as they are. */
export function storedOutputs(outputs: readonly Output[]): Output[] {
  return outputs.map((output) =>
    output.output_type === 'stream' ? { ...output, text: toLines(String(output.text)) } : output,
  );
}

function storedData(data: JsonObject): JsonObject {
  const entries = Object.entries(data).map(([type, content]) => {
    const isText =
      typeof content === 'string' && (type.startsWith('text/') || /\/(.*\+)?(xml|javascript)$/.test(type));
    return [type, isText ? toLines(content) : content];
  });
  return Object.fromEntries(entries);
}

function pick(content: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, content[key]]));
}

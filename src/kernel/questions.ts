/** Answers to complete, inspect and is_complete requests. Offsets of the protocol count code points. */

import { type CellDiagnostic, typeErrors } from './diagnostics.ts';
import { Documentation } from './documentation.ts';
import { HELPERS } from './helpers.ts';
import { createService } from './language-service.ts';
import type { JsonObject } from './protocol.ts';
import ts from './typescript.mjs';
import { VirtualCells } from './virtual.ts';

/** More matches than anybody reads; globals alone are about a thousand. */
const MOST_MATCHES = 500;

/** Completion and documentation know the project's files as they were at most so many milliseconds ago. */
const RECHECK_MS = 2000;

export class Questions {
  readonly #cells: VirtualCells;
  readonly #service: ts.LanguageService;
  readonly #documentation: Documentation;
  readonly #look: (maxAge: number) => void;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#cells = new VirtualCells(folder);
    const { service, look } = createService(folder, this.#cells);
    this.#service = service;
    this.#documentation = new Documentation(service);
    this.#look = look;
  }

  /** A cell that has been started; later cells see what it declares. */
  addCell(serial: number, code: string): void {
    this.#cells.add(serial, code);
  }

  /** Type errors of a cell that is about to run. */
  check(code: string): CellDiagnostic[] {
    this.#look(0);
    return typeErrors(this.#service, this.#cells.draft(code, 'mentioned'), code, this.#folder);
  }

  complete(code: string, cursor: number): JsonObject {
    const at = toUnits(code, cursor);
    this.#look(RECHECK_MS);
    const { path, start } = this.#cells.draft(code, 'all');
    const found = this.#service.getCompletionsAtPosition(path, start + at, {
      includeCompletionsWithInsertText: false,
      includeCompletionsForModuleExports: false,
    });
    const prefix = /[\w$\u0080-\uffff]*$/.exec(code.slice(0, at))?.[0] ?? '';
    const span = found?.optionalReplacementSpan ?? found?.entries[0]?.replacementSpan;
    const from = span !== undefined && span.start - start <= at ? span.start - start : at - prefix.length;
    const typed = code.slice(from, at);
    const entries = (found?.entries ?? [])
      .filter(({ name }) => isBegun(name, typed) && !name.startsWith('__interplay'))
      .sort((a, b) => order(rank(a, typed), rank(b, typed)))
      .slice(0, MOST_MATCHES);
    const cursorStart = toPoints(code, from);
    const cursorEnd = toPoints(code, at);
    return {
      status: 'ok',
      matches: entries.map(({ name }) => name),
      cursor_start: cursorStart,
      cursor_end: cursorEnd,
      metadata: {
        _jupyter_types_experimental: entries.map(({ name, kind }) => ({
          text: name,
          type: String(kind),
          start: cursorStart,
          end: cursorEnd,
        })),
      },
    };
  }

  inspect(code: string, cursor: number): JsonObject {
    const at = toUnits(code, cursor);
    this.#look(RECHECK_MS);
    const { path, start } = this.#cells.draft(code, 'all');
    const text = this.#quickInfo(path, start + at) ?? this.#signature(path, start + at);
    if (text === undefined) return { status: 'ok', found: false, data: {}, metadata: {} };
    const plain = text.documentation === '' ? text.signature : `${text.signature}\n\n${text.documentation}`;
    const markdown = `\`\`\`typescript\n${text.signature}\n\`\`\`\n\n${text.documentation}`;
    return {
      status: 'ok',
      found: true,
      data: { 'text/plain': plain, 'text/markdown': markdown },
      metadata: {},
    };
  }

  #quickInfo(path: string, offset: number) {
    // The cursor stands behind the word it is about.
    const info =
      this.#service.getQuickInfoAtPosition(path, offset) ??
      this.#service.getQuickInfoAtPosition(path, Math.max(0, offset - 1));
    if (info === undefined) return undefined;
    // A name of an earlier cell is an alias, which has no documentation of its own.
    const signature = ts
      .displayPartsToString(info.displayParts)
      .replace(/^\(alias\) (.*)\n(?:import|export) .*$/s, '$1');
    // All that TypeScript says of a name that does not exist.
    if (signature === 'any') return undefined;
    // A module has no documentation of its own.
    const [, module = ''] = /^(?:\(alias\) )?import (\w+)$/.exec(signature) ?? [];
    if (module in HELPERS) return { signature: `namespace ${module}`, documentation: HELPERS[module]!.about };
    return { signature, documentation: this.#documentation.at(path, info.textSpan.start) };
  }

  /** Inside the brackets of a call: the function that is called. */
  #signature(path: string, offset: number) {
    const help = this.#service.getSignatureHelpItems(path, offset, undefined);
    const item = help?.items[help.selectedItemIndex];
    if (help === undefined || item === undefined) return undefined;
    const parts = item.parameters.map((parameter) => ts.displayPartsToString(parameter.displayParts));
    const separator = ts.displayPartsToString(item.separatorDisplayParts);
    const signature =
      ts.displayPartsToString(item.prefixDisplayParts) +
      parts.join(separator) +
      ts.displayPartsToString(item.suffixDisplayParts);
    const text = this.#cells.files.get(path)?.text ?? '';
    const name = text.slice(0, help.applicableSpan.start - 1).trimEnd();
    return { signature, documentation: this.#documentation.at(path, Math.max(0, name.length - 1)) };
  }
}

function isBegun(name: string, typed: string): boolean {
  return name.toLowerCase().startsWith(typed.toLowerCase());
}

/** What decides the order of completions: names that begin as typed, then TypeScript's own order, then the alphabet. */
function rank({ name, sortText }: ts.CompletionEntry, typed: string): string[] {
  return [name.startsWith(typed) ? '0' : '1', sortText, name];
}

function order(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  if (at < 0) return 0;
  return a[at]! < b[at]! ? -1 : 1;
}

/** Whether a front end in which Enter may run the code should run it. */
export function isComplete(code: string): JsonObject {
  const source = ts.createSourceFile(
    'cell.ts',
    code,
    {
      languageVersion: ts.ScriptTarget.ESNext,
      // A module, in which `await` may stand at the top level.
      setExternalModuleIndicator: (file) => {
        (file as { externalModuleIndicator?: unknown }).externalModuleIndicator = true;
      },
    },
    true,
    ts.ScriptKind.TS,
  );
  const errors = (source as unknown as { parseDiagnostics: ts.DiagnosticWithLocation[] }).parseDiagnostics;
  const [first] = errors;
  if (first === undefined) return { status: 'complete' };
  const end = code.trimEnd().length;
  const isOpen = first.code !== UNTERMINATED_STRING && (first.start >= end || UNTERMINATED.has(first.code));
  return isOpen ? { status: 'incomplete', indent: indentAfter(code) } : { status: 'invalid' };
}

/** Template literal and block comment without an end: they may go on on the next line, a string may not. */
const UNTERMINATED: ReadonlySet<number> = new Set([1160, 1010]);
const UNTERMINATED_STRING = 1002;

function indentAfter(code: string): string {
  const last = code.trimEnd().split('\n').at(-1) ?? '';
  const indent = /^\s*/.exec(last)?.[0] ?? '';
  return /[{([]$/.test(last) ? `${indent}  ` : indent;
}

/** UTF-16 offset of a code point offset. */
export function toUnits(text: string, points: number): number {
  let units = 0;
  for (const point of text) {
    if (points-- <= 0) break;
    units += point.length;
  }
  return units;
}

/** Code point offset of a UTF-16 offset. */
export function toPoints(text: string, units: number): number {
  return [...text.slice(0, units)].length;
}

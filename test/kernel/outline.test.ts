/** What the language service reads of modules that cells import: the declared types of both texts are the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { outline } from '../../src/kernel/outline.ts';
import ts from '../../src/kernel/typescript.mjs';

/** Declarations as the compiler would write them, which needs every exported type. */
function declarations(text: string): string {
  const name = '/module.ts';
  const options: ts.CompilerOptions = {
    declaration: true,
    emitDeclarationOnly: true,
    noLib: true,
    target: ts.ScriptTarget.ESNext,
    noCheck: true,
  };
  let written = '';
  const host: ts.CompilerHost = {
    ...ts.createCompilerHost(options),
    getSourceFile: (path, target) =>
      path === name ? ts.createSourceFile(path, text, target, true) : undefined,
    fileExists: (path) => path === name,
    readFile: () => undefined,
    writeFile: (_, content) => {
      written = content;
    },
  };
  ts.createProgram([name], options, host).emit();
  return written;
}

const SAMPLE = `
/** Documented. */
export function written(a: number): string { const inner = 1; return String(a + inner); }
export function inferred(a: number) { return { a, twice: [a, a] as const }; }
export const arrow = (a: number): number => { return a; };
export const short = (a: number): number => a + 1;
export function isText(value: unknown): value is string { return typeof value === 'string'; }
export function check(value: unknown): asserts value { if (!value) throw 0; }
export function* numbers(): Generator<number, void, boolean> { const more = yield 1; if (more) yield 2; }
export async function later(): Promise<'done'> { return 'done'; }
export function over(a: string): string;
export function over(a: number): number;
export function over(a: string | number): string | number { return a; }
export class Thing<T> {
  count;
  constructor(public readonly value: T) { this.count = 1; }
  get size(): number { return 1; }
  set size(value) { this.count = value; }
  method(): this { return this; }
  free() { return [this.value]; }
  static make(): Thing<string> { return new Thing('{'); }
}
export const object = { method(): number { return 1; }, get text(): string { return '}'; }, rest: \`\${'{'}\` };
export default function (): void { /* } */ }
`;

describe('outline', () => {
  it('leaves every declared and every inferred type as it is', () => {
    const short = outline('/module.ts', SAMPLE);
    assert.match(declarations(SAMPLE), /twice: readonly \[number, number\]/);
    assert.equal(declarations(short), declarations(SAMPLE));
    assert.doesNotMatch(short, /inner|yield/);
    assert.match(short, /Documented|twice|this\.count = 1/);
  });

  it('does so for files of this project, and makes them shorter', () => {
    for (const file of ['kernel/executor.ts', 'notebook/progress.ts', 'cli/main.ts', 'kernel/client.ts']) {
      const text = readFileSync(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)), 'utf8');
      const short = outline(file, text);
      assert.equal(declarations(short), declarations(text), file);
      assert.ok(short.length < text.length, file);
    }
  });

  it('leaves declaration files and other languages alone', () => {
    for (const path of ['/a.d.ts', '/a.d.mts', '/a.json', '/a.js']) {
      assert.equal(outline(path, SAMPLE), SAMPLE, path);
    }
  });
});

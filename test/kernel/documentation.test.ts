import assert from 'node:assert/strict';
import { commentBefore, Documentation } from '../../src/kernel/documentation.ts';
import ts from '../../src/kernel/typescript.mjs';

const PATH = '/cell.mts';
const TEXT = `
/** One line. */
const one = 1;
/**
 * Several lines, *with* a {@link one}.
 * @param first the first
 * @param second - the second
 * @returns their sum
 * @throws SOME_CODE
 */
export async function sum(first: number, second: number): Promise<number> { return first + second + one; }
/* no documentation */
const two = 2; /** of three */ const three = 3;
/**/
let four = 4;
interface Shape {
  /** Its area. */
  readonly area: number;
  /** Makes it larger. */
  scale(by: number): void;
}
/** A kind. @deprecated use Shape */
enum Kind { /** first of all */ A, B }
/** A class. */
class Square implements Shape {
  /** side length */
  constructor(readonly side: number) {}
  /** The square. */
  get area() { return this.side ** 2; }
  /** As it says. */
  scale() { four++; }
}
/** Adds one. */
const increment = (n: number) => n + 1;
const tools = {
  /** Halves it. */
  half: (n: number) => n / 2,
  third: (n: number) => n / 3,
};
/** Doubles it. */
export const double: (n: number) => number = (n) => n * 2, triple = (n: number) => n * 3;
/** Numbers. */
const left = 1;
increment(1) + tools.half(1) + tools.third(2) + double(1) + triple(1);
declare const shape: Shape;
declare const square: Square;
new Square(2);
[left, one, sum, two, three, four, shape.area, shape.scale, Kind.A, Kind.B, Kind, square.area, square.scale, Square];
[Math, Math.max, JSON.parse, [1].map, 'a'.trim, parseInt, Object.keys, Date.UTC, Date.prototype.getTime, isNaN];
`;

function service(mode: ts.JSDocParsingMode): ts.LanguageService {
  const host: ts.LanguageServiceHost = {
    jsDocParsingMode: mode,
    getCompilationSettings: () => ({ lib: ['lib.es5.d.ts'], types: [], target: ts.ScriptTarget.ESNext }),
    getScriptFileNames: () => [PATH],
    getScriptVersion: () => '1',
    getScriptSnapshot: (path) => {
      const text = path === PATH ? TEXT : ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => '/',
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (path) => path === PATH || ts.sys.fileExists(path),
    readFile: (path) => ts.sys.readFile(path),
  };
  return ts.createLanguageService(host, ts.createDocumentRegistry(undefined, undefined, mode));
}

describe('documentation', function () {
  this.timeout(30_000);

  it('is what the compiler says that has read all comments', () => {
    const reference = service(ts.JSDocParsingMode.ParseAll);
    const documentation = new Documentation(service(ts.JSDocParsingMode.ParseForTypeInfo));
    const expected = (offset: number): string => {
      const info = reference.getQuickInfoAtPosition(PATH, offset)!;
      const tags = (info.tags ?? []).map((tag) => `@${tag.name} ${ts.displayPartsToString(tag.text)}`.trim());
      return [ts.displayPartsToString(info.documentation), ...tags].filter((line) => line !== '').join('\n');
    };
    const used = TEXT.indexOf('\nincrement(');
    const documented: string[] = [];
    for (const { 0: name, index } of TEXT.slice(used).matchAll(/(?<!['/*] ?)\b[A-Za-z]+(?=[,\]().])/g)) {
      if (name === 'Square' && TEXT[used + index + 6] === '(') continue;
      const offset = used + index;
      const about = documentation.at(PATH, offset);
      assert.equal(about, expected(offset), name);
      if (about !== '') documented.push(name);
    }
    assert.equal(
      documented.join(' '),
      'increment half double triple left one sum area scale Kind Kind Kind area scale Square ' +
        'Math Math max JSON parse map trim parseInt Object keys Date UTC Date getTime isNaN',
    );
    // The compiler shows the one of the constructor only.
    const constructed = TEXT.indexOf('Square(2)');
    assert.equal(documentation.at(PATH, constructed), 'A class.\nside length');
  });

  it('only a comment of the right kind, right before the declaration, counts', () => {
    for (const [text, comment] of [
      ['/** yes */\n  const', '/** yes */'],
      ['/** no */ let a; const', ''],
      ['let a; /** no */ const', ''],
      ['/* no */ const', ''],
      ['/**/ const', ''],
      ['/** first */ /** second */ const', '/** second */'],
      ['const', ''],
      ['*/ const', ''],
    ] as const) {
      assert.equal(commentBefore(text, text.indexOf('const')), comment, text);
    }
  });
});

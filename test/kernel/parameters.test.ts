/** `-p name=text` against what the notebook declares. */
import assert from 'node:assert/strict';
import { InterplayError } from '../../src/core/index.ts';
import type { Notebook } from '../../src/kernel/nbformat.ts';
import { parameterValues } from '../../src/kernel/parameters.ts';
import type { Json } from '../../src/kernel/protocol.ts';

const notebookOf = (...cells: [source: string | string[], ...tags: string[]][]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells: cells.map(([source, ...tags]) => ({ cell_type: 'code', metadata: { tags }, source, outputs: [] })),
});

const tagged = notebookOf(
  ['// a note with steps'],
  [
    [
      'const steps = 10, ratio = -0.5;\n',
      "let run = 'a';\nconst quick = false as boolean;\n",
      'const layers: readonly number[] = [1];\nconst options = { a: 1 };\n',
      'const stop: number | null = null;\nconst either: string | number = 1;\n',
      "const mode: 'grpo' | 'dapo' = 'grpo';\nconst free = compute();\nconst { inner } = free;\nconst été = 1;",
    ],
    'parameters',
  ],
  ['const steps = 5;', 'injected-parameters'],
  ['const derived = steps * 2; console.log(globalThis.extra);'],
);

const value = (name: string, text: string, notebook = tagged): Json =>
  parameterValues(notebook, new Map([[name, text]])).get(name)!;
const refusal = (name: string, text: string, notebook = tagged): string => {
  try {
    return `accepted ${JSON.stringify(value(name, text, notebook))}`;
  } catch (error) {
    assert.ok(error instanceof InterplayError, String(error));
    return `${error.code}: ${error.expected} | ${error.got}`;
  }
};

describe('parameters of a notebook', () => {
  const accepted: [name: string, text: string, value: Json][] = [
    ['steps', '20', 20],
    ['steps', '-5', -5],
    ['steps', '1e3', 1000],
    ['steps', '1_000', 1000],
    ['steps', '0x10', 16],
    ['steps', '+3', 3],
    ['ratio', '.5', 0.5],
    ['ratio', '1e-3', 0.001],
    ['ratio', '0.1234567890123456789', 0.12345678901234568],
    // What the notebook uses as a text stays one, whatever it looks like.
    ['run', '42', '42'],
    ['run', '007', '007'],
    ['run', 'true', 'true'],
    ['run', 'a=b=c', 'a=b=c'],
    ['run', '', ''],
    ['run', '"quoted"', 'quoted'],
    ['run', '12345678901234567890', '12345678901234567890'],
    ['run', '日本 😀 "q"', '日本 😀 "q"'],
    ['quick', 'true', true],
    ['layers', '[1, 2]', [1, 2]],
    ['options', '{"b": [null]}', { b: [null] }],
    ['stop', 'null', null],
    ['stop', '3', 3],
    ['either', '3', 3],
    ['either', 'three', 'three'],
    ['mode', 'dapo', 'dapo'],
    ['free', '3', 3],
    ['free', 'text', 'text'],
    ['inner', '[]', []],
    ['été', '2', 2],
    ['extra', '1', 1],
  ];
  for (const [name, text, expected] of accepted) {
    it(`${name}=${text} is ${JSON.stringify(expected)}`, () => assert.deepEqual(value(name, text), expected));
  }

  const refused: [name: string, text: string, error: RegExp][] = [
    ['steps', 'text', /^PARAMETER_TYPE: steps to be a number \| text$/],
    ['steps', '', /^PARAMETER_TYPE: steps to be a number \| nothing$/],
    ['steps', '"10"', /^PARAMETER_TYPE/],
    ['steps', 'null', /^PARAMETER_TYPE/],
    ['steps', 'NaN', /^PARAMETER_TYPE/],
    ['steps', 'Infinity', /^PARAMETER_TYPE/],
    ['steps', '1e999', /^PARAMETER_TYPE/],
    ['steps', '12345678901234567890', /^PARAMETER_TYPE: .*all its digits/],
    ['free', '9007199254740993', /^PARAMETER_TYPE: .*all its digits/],
    ['quick', 'True', /^PARAMETER_TYPE: quick to be true or false/],
    ['quick', '1', /^PARAMETER_TYPE/],
    ['layers', '5', /^PARAMETER_TYPE: layers to be a list/],
    ['options', '[]', /^PARAMETER_TYPE: options to be an object/],
    ['stop', 'never', /^PARAMETER_TYPE: stop to be a number or null/],
    ['stpes', '20', /^PARAMETER_UNKNOWN: .*\(steps, ratio, run, .*\) \| stpes$/],
    ['class', '20', /^PARAMETER_UNKNOWN/],
    // Set by a later cell, whatever comes from outside.
    ['derived', '20', /^PARAMETER_UNKNOWN/],
  ];
  for (const [name, text, error] of refused) {
    it(`${name}=${text} is refused`, () => assert.match(refusal(name, text), error));
  }

  it('without a tagged cell a variable that the notebook sets cannot come from outside, one it only uses can', () => {
    const untagged = notebookOf(['let steps = 10; if (seed > 1) console.log(steps)']);
    assert.match(
      refusal('steps', '3', untagged),
      /^PARAMETER_UNTAGGED: .* \| a notebook without one, which sets steps itself/,
    );
    assert.equal(value('seed', '3', untagged), 3);
    assert.match(refusal('sed', '3', untagged), /^PARAMETER_UNKNOWN: .*it uses \| sed$/);
  });
});

/** Any text gets a verdict, and soon. */
import assert from 'node:assert/strict';
import { type RandomStream, randomFamily } from '../../src/core/index.ts';
import { parseSolution, prepareGold, verify } from '../../src/verify/index.ts';
import { FORWARD, generatedTasks, OWN_CONTEXT, REVERSE } from './samples.ts';

const solutions = [
  FORWARD,
  REVERSE,
  ...['forward', 'reverse'].map((mode) => {
    const kind = { ops: [14], modes: [mode], depths: [3], contexts: [OWN_CONTEXT] };
    return generatedTasks(1, kind)[0]!.solution;
  }),
];
const golds = solutions.map((solution) => ({ solution, gold: prepareGold({ solution }) }));

/** Some cuts, repeats, swaps, and characters put in or taken out. */
function corrupt(text: string, stream: RandomStream): string {
  let result = text;
  for (let i = stream.integer(1, 6); i > 0; i--) {
    const a = stream.below(result.length + 1);
    const b = Math.min(result.length, a + stream.integer(0, 40));
    const piece = result.slice(a, b);
    const odd = stream.pick([
      ';',
      '=',
      '.',
      '(',
      ')',
      ' as ',
      'Define ',
      '<answer>',
      '</',
      '\n',
      'é',
      '\ud800',
      '\u0301',
      '😀',
      '\u00a0',
      ' * (',
      '-',
      '9',
    ]);
    result = stream.pick([
      () => result.slice(0, a) + result.slice(b),
      () => result.slice(0, b) + piece + result.slice(b),
      () => result.slice(0, a) + odd + result.slice(a),
      () => result.slice(0, a),
      () => result.slice(0, a) + [...piece].reverse().join('') + result.slice(b),
    ])();
  }
  return result;
}

function judge(response: string, i: number): boolean {
  const verdict = verify(golds[i % golds.length]!.gold, response);
  assert.ok(verdict.process_accuracy >= 0 && verdict.process_accuracy <= 1);
  assert.equal(verdict.verified, verdict.process_accuracy === 1 && verdict.answer_correct);
  assert.equal(verdict.first_error === null, verdict.process_accuracy === 1);
  return verdict.verified;
}

describe('verify: hostile texts', () => {
  it('judges 10,000 corrupted solutions', () => {
    const streams = randomFamily('corruptions', 1);
    let verified = 0;
    for (let i = 0; i < 10_000; i++) {
      if (judge(corrupt(golds[i % golds.length]!.solution, streams.at(i)), i)) verified++;
    }
    // Some changes are harmless (a blank, an extra full stop), most are not.
    assert.ok(verified > 0 && verified < 5000, `${verified} verified`);
  });

  it('judges 10,000 random byte strings', () => {
    const streams = randomFamily('bytes', 1);
    for (let i = 0; i < 10_000; i++) {
      const stream = streams.at(i);
      const bytes = Buffer.from(Array.from({ length: stream.below(400) }, () => stream.below(256)));
      judge(bytes.toString(i % 4 < 2 ? 'utf8' : 'latin1'), i);
    }
  });

  it('graphs of any text have no cycle', () => {
    const streams = randomFamily('cycles', 1);
    for (let i = 0; i < 2000; i++) {
      const stream = streams.at(i);
      const step = () =>
        `Define ${stream.pick(['A', 'B', 'C'])} as ${stream.pick(['p', 'q'])}; so ${stream.pick(['p', 'q'])} = ${stream.pick(['p', 'q', '2'])} + ${stream.pick(['p', 'q', '1'])}. `;
      const earlier = new Set<string>();
      for (const { name, dependencies } of parseSolution(step() + step() + step() + step()).nodes) {
        for (const parent of dependencies) assert.ok(earlier.has(parent), `${parent} in ${name}`);
        earlier.add(name);
      }
    }
  });

  // Quadratic work on these would take minutes to hours, beyond mocha's limit; linear work takes well under a second each.
  const size = 1 << 20;
  const repeated: Record<string, string> = {
    brackets: `Define A as p; so p = ${'('.repeat(size)}`,
    'unary signs': `Define A as p; so p = ${'-'.repeat(size)}1`,
    tags: '<'.repeat(size),
    'open answers': '<answer>'.repeat(size / 8),
    labels: 'Answer:'.repeat(size / 8),
    defines: 'Define '.repeat(size / 7),
    keywords: `Define x${' as a'.repeat(size / 5)}`,
    heads: 'Define as a;'.repeat(size / 12),
    blanks: `Define A as${' '.repeat(size)}p`,
    'blanks in a body': `Define A as p; p${' '.repeat(size)}= 1`,
    steps: 'Define A as p; so p = q + p. '.repeat(size / 29),
    'many names': Array.from({ length: size / 32 }, (_, i) => `Define A${i} as p; so p = p + 1. `).join(''),
    'growing intermediates': Array.from(
      { length: size / 32 },
      (_, i) => `Define A${i} as p; I = I + p; so p = I. `,
    ).join(''),
    equations: `Define A as p; ${'p = q; '.repeat(size / 7)}`,
    equals: `Define A as p; p ${'= '.repeat(size / 2)}`,
    digits: `Define A as p; so p = ${'9'.repeat(size)}`,
    decimals: `Define A as p; so p = ${'1.'.repeat(size / 2)}`,
    letters: 'a'.repeat(size),
    'letters and semicolons': ' a;'.repeat(size / 3),
    dots: `<answer>${'.'.repeat(size)}`,
    'accented letters': `Define ${'é'.repeat(size)} as p; so p = 2.`,
    'combining marks': `Define e${'\u0301\u0327'.repeat(size / 2)} as p; so p = 2.`,
    'marks in a body': `Define A as p; so p = ${'1\u0301 '.repeat(size / 3)}`,
    'halves of pairs': `Define A as p; so p = ${'\ud83d '.repeat(size / 2)}`,
    'halves the other way round': '\ude00\ud83d'.repeat(size / 2),
    emoji: `Define ${'😀'.repeat(size / 2)} as p; p = ${'😀'.repeat(size / 2)}`,
    'wide blanks': `Define A as p; p${'\u00a0\u3000'.repeat(size / 2)}= 1`,
    'letters without a lower case': `${'İ'.repeat(size / 2)}<answer>${'ſ'.repeat(size / 2)}`,
    nulls: '\0'.repeat(size),
    'one line of solutions': FORWARD.repeat(size / FORWARD.length),
    'one line of reverse solutions': REVERSE.repeat(size / REVERSE.length),
    'unsolved equations': `${REVERSE.slice(0, REVERSE.indexOf('We know'))}${'We know f = 7, so x + 4 = 7. '.repeat(size / 29)}`,
    products: `Define A as p; so p = ${'(2) * '.repeat(size / 6)}1`,
    'answer after answer': '<answer> 1 </answer>'.repeat(size / 20),
  };
  for (const [name, text] of Object.entries(repeated)) {
    it(`takes a megabyte of ${name}`, () => {
      judge(text, 0);
    });
  }
});

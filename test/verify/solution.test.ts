import assert from 'node:assert/strict';
import { type PredictedNode, parseSolution } from '../../src/verify/index.ts';
import { REVERSE } from './samples.ts';

/** name → [value, parents] */
function read(text: string): Record<string, [number | null, string[]]> {
  return Object.fromEntries(
    parseSolution(text).nodes.map((node) => [node.name, [node.value, [...node.dependencies].sort()]]),
  );
}

function node(text: string, name: string): PredictedNode {
  return parseSolution(text).nodes.find((one) => one.name === name)!;
}

describe('parseSolution', () => {
  it('reads names, letters, values, parents and the answer', () => {
    const text =
      'Define A one as p; so p = 4. Define B two as Q; I = p = 4; so Q = 3 * I = 3 * 4 = 12. Answer: 12.';
    const { nodes, answer, answerText } = parseSolution(text);
    assert.deepEqual(
      nodes.map(({ name, letter, value, dependencies, step }) => [name, letter, value, dependencies, step]),
      [
        ['A one', 'p', 4, [], 0],
        ['B two', 'Q', 12, ['A one'], 1],
      ],
    );
    assert.deepEqual([answer, answerText], [12, '12']);
  });

  it('takes letters only where they stand alone', () => {
    // The words after L hold the letters of both earlier steps; only P is used.
    const text =
      'Define A as s; so s = 1. Define B as P; so P = 2. Define C as L; so it is L = P = 2 as solved.';
    assert.deepEqual(read(text).C, [2, ['B']]);
  });

  it('evaluates expressions in x when x is known', () => {
    assert.deepEqual(read(REVERSE), {
      'calm road movie in Rêves de Belleville': [3, []],
      'solemn period drama in Rêves de Belleville': [6, ['calm road movie in Rêves de Belleville']],
      'total number of movies in Rêves de Belleville': [
        9,
        ['calm road movie in Rêves de Belleville', 'solemn period drama in Rêves de Belleville'],
      ],
      'futuristic sci-fi movie in Festival Lumière de Valmont': [
        7,
        ['solemn period drama in Rêves de Belleville', 'total number of movies in Rêves de Belleville'],
      ],
      'total number of movies in Festival Lumière de Valmont': [
        7,
        ['futuristic sci-fi movie in Festival Lumière de Valmont'],
      ],
    });
  });

  it('has no value for expressions in an x that is never solved', () => {
    const text = REVERSE.slice(0, REVERSE.indexOf('We know'));
    assert.deepEqual(
      parseSolution(text).nodes.map(({ value }) => value),
      [null, null, null, null, null],
    );
  });

  it('calculates: precedence, brackets, signs, implied products, other signs for the operations', () => {
    const cases: [string, number | null][] = [
      ['2 + 3 * 4', 14],
      ['(2 + 3) * 4', 20],
      ['20 - 3 - 4', 13],
      ['24 / 4 / 2', 3],
      ['-2 * -3', 6],
      ['2(3 + 4)', 14],
      ['3 × 4 − 2 ÷ 2', 11],
      ['1.5 * 4', 6],
      ['5 / 0', null],
      ['5 +', null],
      ['(5', null],
      ['5)', null],
      ['', null],
    ];
    for (const [expression, value] of cases) {
      assert.equal(node(`Define A as p; so p = ${expression}.`, 'A').value, value, expression);
    }
    assert.equal(node('Define A as k; so k = 4. Define B as p; so p = 2k + 1.', 'B').value, 9);
  });

  it('a letter means what it stood for when it was used', () => {
    const text =
      'Define A as t; so t = 4. Define B as t; so t = 3 + t = 3 + 4 = 7. Define C as t; so t = t = 7. Answer: 7.';
    assert.deepEqual(read(text), { A: [4, []], B: [7, ['A']], C: [7, ['B']] });
  });

  it('reports letters that stand for nothing, also through intermediate results', () => {
    const text = 'Define A as p; so p = 4. Define B as q; I = k + p = 1 + 4 = 5; so q = 2 * I = 2 * 5 = 10.';
    const { dependencies, undefinedLetters, value } = node(text, 'B');
    assert.deepEqual([dependencies, undefinedLetters, value], [['A'], ['k'], 10]);
    // An intermediate result belongs to its step.
    const other = 'Define A as p; I = 2; so p = I = 2. Define B as q; so q = I = 2.';
    assert.deepEqual(node(other, 'B').undefinedLetters, ['I']);
  });

  it('stating a known value again changes nothing', () => {
    const text =
      'Define A as p; so p = 4. Define B as q; p = 4; so q = 2 * p = 2 * 4 = 8. Define C as r; so r = p = 4.';
    assert.deepEqual(read(text), { A: [4, []], B: [8, ['A']], C: [4, ['A']] });
  });

  it('keeps the first definition of a name and notes contradictions', () => {
    const same = 'Define A as p; so p = 4. Define A as q; so q = 4. Define B as r; so r = q = 4.';
    assert.equal(node(same, 'A').contradicted, false);
    assert.deepEqual(read(same).B, [4, ['A']]);
    const other = 'Define A as p; so p = 4. Define A as q; so q = 5.';
    assert.deepEqual([node(other, 'A').value, node(other, 'A').contradicted], [4, true]);
  });

  it('reads heads in free forms', () => {
    for (const head of [
      'Define big fox in A b c as L;',
      'define  big   fox in A b c  as L ;',
      'Define big fox in A b c a L;',
      'Define big fox in A b c as the letter L;',
      'Define big fox in A b c as L,',
      'Define other Define big fox in A b c as L;',
    ]) {
      assert.deepEqual(read(`${head} so L = 4. Answer: 4.`), { 'big fox in A b c': [4, []] }, head);
    }
  });

  it('compares names in composed form', () => {
    const [composed, decomposed] = ['Rêves'.normalize('NFC'), 'Rêves'.normalize('NFD')];
    assert.notEqual(composed, decomposed);
    assert.deepEqual(read(`Define ${decomposed} as p; so p = 1.`), { [composed]: [1, []] });
  });

  it('stops reading steps at the end of the solution', () => {
    const text = 'Define A as p; so p = 1. </solution> Define B as q; so q = 2. <answer> 1 </answer>';
    assert.deepEqual(Object.keys(read(text)), ['A']);
  });

  it('finds answers', () => {
    const cases: [string, string | null, number | null][] = [
      ['<answer> 7 </answer>', '7', 7],
      ['<ANSWER>7.</ANSWER>', '7', 7],
      ['<answer> 7.0 </answer> <answer> 8 </answer>', '7.0', 7],
      ['<answer> 12', '12', 12],
      ['so it is. Answer: 1,200.', '1,200', 1200],
      ['<answer> 6/4 </answer>', '6/4', 1.5],
      ['<answer> −3 </answer>', '−3', -3],
      ['<answer> seven </answer>', 'seven', null],
      ['<answer></answer>', '', null],
      ['7', null, null],
    ];
    for (const [text, extracted, answer] of cases) {
      const parsed = parseSolution(text);
      assert.deepEqual([parsed.answerText, parsed.answer], [extracted, answer], text);
    }
  });
});

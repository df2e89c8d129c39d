/** The reference's rules: its own outputs, row by row and field by field, and the rules that they do not reach. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { trainingText } from '../../src/tasks/index.ts';
import { evaluateAsReference } from '../../src/verify/compatible/expression.ts';
import { goldOfReference, statementsOf } from '../../src/verify/compatible/index.ts';
import { lastNumber } from '../../src/verify/compatible/text.ts';
import { compareAsReference, parseAsReference, verify } from '../../src/verify/index.ts';
import { referenceRows } from './samples.ts';

const plain = (names: ReadonlySet<string>): string[] => [...names].sort();

describe('compatible verifier', () => {
  it("reproduces the reference's parser on every recorded solution, every field", function () {
    const samples = referenceRows('samples.jsonl');
    const parsed = referenceRows('parsed.jsonl');
    if (samples === null || parsed === null) return this.skip();
    assert.equal(parsed.length, samples.length);
    parsed.forEach((row, i) => {
      const { op, id, template, mode } = samples[i];
      assert.deepEqual([row.op, row.id, row.template, row.mode], [op, id, template, mode]);
      const { steps, preamble, graph } = parseAsReference(samples[i].solution);
      assert.equal(preamble, row.preamble);
      assert.deepEqual(
        steps.map(({ raw_body, dependencies, ...rest }) => ({
          ...rest,
          raw_body,
          statements: statementsOf(raw_body),
          dependencies: plain(dependencies),
        })),
        row.steps,
      );
      const nodes = [...graph.nodes.values()].map((node) => ({
        ...node,
        dependencies: plain(node.dependencies),
      }));
      assert.deepEqual(nodes, row.graph.nodes);
      assert.equal(graph.answer, row.graph.answer);
      assert.deepEqual(compareAsReference(graph, graph), row.self_report);
      const composed = trainingText(samples[i]);
      if (row.composed_text !== undefined) assert.equal(composed, row.composed_text);
      assert.equal(isDeepStrictEqual(parseAsReference(composed).graph, graph), row.composed_graph_equal);
      // The recorded order is one of several; ours is checked against its meaning.
      const order: string[] = row.graph.topological_order;
      for (const { name, dependencies } of nodes) {
        for (const parent of dependencies) assert.ok(order.indexOf(parent) < order.indexOf(name));
      }
    });
  });

  it("reproduces the reference's verdicts and rewards on every recorded response", function () {
    const vectors = referenceRows('reward_vectors.jsonl');
    if (vectors === null) return this.skip();
    for (const row of vectors) {
      const { compatible } = verify({ solution: row.gold_solution }, row.response);
      const { outcome, ...blends } = row.rewards;
      assert.deepEqual(
        compatible,
        {
          extracted_answer: row.extracted_answer,
          report: row.report,
          perfect: row.perfect,
          rewards: {
            outcome,
            ...Object.fromEntries(
              Object.entries(blends).map(([name, value]) => [name, (value as { score: number }).score]),
            ),
          },
        },
        `${row.variant} ${row.response}`,
      );
      const gold = goldOfReference(row.gold_solution);
      assert.equal(gold.answer, row.gold_answer);
      // Each blend is recorded with its parts; ours are not kept, so they are made here from our report.
      const { report } = compatible;
      const defects =
        report.missing_in_pred.length +
        report.value_mismatches.length +
        report.dependency_mismatches.length +
        Math.min(report.extra_in_pred.length, gold.graph.nodes.size) +
        (report.answer_mismatch === null ? 0 : 1);
      for (const [name, { score: _, ...parts }] of Object.entries(
        blends as Record<string, { score: number }>,
      )) {
        assert.deepEqual(parts, {
          outcome_reward: compatible.rewards.outcome,
          process_reward: Math.max(0, 1 - defects / gold.graph.nodes.size),
          process_reward_has_gold: gold.graph.nodes.size > 0,
          process_zeroed_due_to_mismatch: name === 'strict' && outcome === 1 && defects > 0,
        });
      }
    }
  });

  it('counts letters inside words, as the reference does', () => {
    const gold = 'Define A as p; so p = 4. Define B as s; so s = p = 4 and we solve it. Answer: 4.';
    const other = 'Define A as e; so e = 4. Define B as s; so s = e = 4 and we solve it. Answer: 4.';
    // "and we solve it" holds e (twice) but no p: both give B the parent A …
    assert.ok(verify({ solution: gold }, other).compatible.perfect);
    // … but with a third quantity whose letter is in the words the parents differ, for a correct solution.
    const three = (a: string) =>
      `Define Z as ${a}; so ${a} = 1. Define A as p; so p = 4. Define B as s; so s = p = 4 and we solve it. Answer: 4.`;
    const verdict = verify({ solution: three('Q') }, three('o'));
    assert.equal(verdict.compatible.perfect, false);
    assert.deepEqual(verdict.compatible.report.dependency_mismatches, [
      { name: 'B', gold: ['A'], pred: ['A', 'Z'] },
    ]);
    assert.ok(verdict.verified);
  });

  it('evaluates what the reference would evaluate', () => {
    // Expected values are those of Python's eval after the letters' numbers are put in.
    const known = new Map([
      ['x', 3],
      ['n', -2],
      ['s', 1e-5],
    ]);
    const cases: [string, number | null][] = [
      ['7', 7],
      ['007', null],
      ['00', 0],
      ['2 + 3 * 4', 14],
      ['(2 + 3) * 4', 20],
      ['3*x + 12', 21],
      ['3x', null],
      ['y + 1', null],
      ['7 // 2', 3],
      ['-7 // 2', -4],
      ['2 ** 3 ** 2', 512],
      ['-2 ** 2', -4],
      ['2 ** -1', 0.5],
      ['n ** 2', -4],
      ['1 / 0', null],
      ['(3)(4)', null],
      ['3 4', null],
      ['()', null],
      ['', null],
      ['s', null],
      ['2 *\n3', null],
      ['(2 *\n3)', 6],
      ['+-+4', -4],
      ['2 * * 3', null],
      ['two', null],
      ['9**9**9**9', null],
      [`${'('.repeat(5000)}1${')'.repeat(5000)}`, null],
    ];
    for (const [text, value] of cases)
      assert.equal(evaluateAsReference(text, known), value, text.slice(0, 40));
  });

  it('finds the last number literal as a search from the front does', () => {
    const cases: [string, number | null][] = [
      ['3*x + 12', 12],
      ['4*x -15', -15],
      ['1.2.3', 3],
      ['x2.50 ', 2.5],
      ['5 .7', 7],
      ['no', null],
      ['٣', 3],
      ['a ٣٤ b', 34],
      ['3 ü', 3],
    ];
    for (const [text, value] of cases) assert.equal(lastNumber(text), value, text);
  });

  it('finds definitions as the reference does', () => {
    const names = (text: string): [string, string][] =>
      parseAsReference(text).steps.map((step) => [step.parameter_name, step.variable]);
    const cases: [string, [string, string][]][] = [
      ['Define A b as L; so', [['A b', 'L']]],
      ['DEFINE A b AS L; so', [['A b', 'L']]],
      ['Define A b a L; so', [['A b', 'L']]],
      ['Define A as the letter L; so', [['A', 'L']]],
      ['Define A as b as L; so', [['A', 'L']]],
      ['Define A as LL; Define B as q;', [['B', 'q']]],
      ['Define A as L ; Define B as q;', [['B', 'q']]],
      ['Define A 1as L; x', []],
      ['Define A; b as q;', [['A; b', 'q']]],
      ['Define  as L; so', [['', 'L']]],
      ['Define as L; so', []],
      ['Define as one as L; so', [['as one', 'L']]],
      ['UnDefine A as L;', [['A', 'L']]],
      ['Define .A\ufffd; as L;', [['A', 'L']]],
      ['Define A. Define B as q;', [['B', 'q']]],
      ['Defıne A aſ L;', [['A', 'L']]],
    ];
    for (const [text, expected] of cases) assert.deepEqual(names(text), expected, text);
  });
});

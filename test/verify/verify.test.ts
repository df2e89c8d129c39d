import assert from 'node:assert/strict';
import {
  compositeReward,
  type Gold,
  goldGraph,
  prepareGold,
  REWARD_NAMES,
  type Reward,
  rewardByName,
  type Verdict,
  type VerifiableTask,
  verify,
  weightedReward,
} from '../../src/verify/index.ts';
import { FORWARD, FORWARD_GRAPH, REVERSE, REVERSE_GRAPH } from './samples.ts';

const task = { solution: FORWARD };
const [fox, deer, bear, total, wolf] = FORWARD_GRAPH.nodes.map(({ name }) => name) as [
  string,
  string,
  string,
  string,
  string,
];

/** The gold solution with a part replaced, which must be there. */
function changed(from: string, to: string, solution = FORWARD): string {
  assert.ok(solution.includes(from), from);
  return solution.replace(from, to);
}

describe('verify', () => {
  it('gives every field of the record, in its order', () => {
    const verdict = verify(task, FORWARD);
    assert.deepEqual(Object.keys(verdict), [
      'extracted_answer',
      'answer_correct',
      'parsed',
      'process_accuracy',
      'verified',
      'errors',
      'first_error',
      'report',
      'rewards',
      'compatible',
    ]);
    assert.equal(verdict.extracted_answer, '8');
  });

  it('reads the gold graph from the record or from the text, with the same result', () => {
    const graph = FORWARD_GRAPH as unknown as NonNullable<VerifiableTask['graph']>;
    assert.deepEqual(goldGraph({ ...task, graph }), FORWARD_GRAPH);
    const response = changed('q = 3 + B', 'q = 4 + B');
    assert.deepEqual(verify({ ...task, graph }, response), verify(task, response));
    assert.deepEqual(goldGraph({ solution: REVERSE }), REVERSE_GRAPH);
  });

  it('names the kind of the first failing step', () => {
    const cases: [string, string, Partial<Verdict>][] = [
      // Another constant than the problem says, well calculated.
      [
        'so j = 2.',
        'so j = 3.',
        { first_error: { step: 0, node: fox, kind: 'reading' }, process_accuracy: 0.8 },
      ],
      [
        'so q = 3 + B = 3 + 4 = 7',
        'so q = 3 * B = 3 * 4 = 12',
        { first_error: { step: 2, node: bear, kind: 'reading' } },
      ],
      [
        'so q = 3 + B = 3 + 4 = 7',
        'so q = 3 + B = 3 + 4 = 8',
        { first_error: { step: 2, node: bear, kind: 'arithmetic' }, process_accuracy: 0.8 },
      ],
      ['B = P + j', 'B = P + P', { first_error: { step: 2, node: bear, kind: 'dependency' } }],
      [`Define ${deer} as P; so P = j = 2. `, '', { first_error: { step: 1, node: deer, kind: 'missing' } }],
      // The number is there twice, once otherwise.
      [
        'so V = 2',
        `so V = 2 * m = 2 * 4 = 8. Define ${wolf} as V; so V = 3`,
        { first_error: { step: 4, node: wolf, kind: 'arithmetic' } },
      ],
      // Right number, false equation.
      [
        'c = j + P = 2 + 2',
        'c = j + P = 2 + 9',
        { first_error: { step: 3, node: total, kind: 'arithmetic' } },
      ],
      // The step is there and says nothing.
      ['so P = j = 2', 'so it is 2', { first_error: { step: 1, node: deer, kind: 'dependency' } }],
      ['so j = 2.', 'so it is 2.', { first_error: { step: 0, node: fox, kind: 'missing' } }],
    ];
    for (const [from, to, expected] of cases) {
      const verdict = verify(task, changed(from, to));
      const got = Object.fromEntries(
        Object.keys(expected).map((key) => [key, verdict[key as keyof Verdict]]),
      );
      assert.deepEqual(got, expected, to);
      assert.equal(verdict.verified, false);
    }
  });

  it('charges an error to the step that made it', () => {
    // Later steps copy the right numbers: only the first is wrong. Paper A.4: 4 of 5 nodes.
    const verdict = verify(task, changed('so j = 2.', 'so j = 3.'));
    assert.deepEqual(verdict.report, {
      missing_nodes: [],
      extra_nodes: [],
      value_mismatch: [fox],
      dependency_mismatch: [],
    });
    assert.deepEqual(verdict.rewards, {
      outcome: 1,
      process: 0.8,
      composite: { '0.2': 0.2 + 0.8 * 0.8, '0.5': 0.5 + 0.5 * 0.8 },
      strict: 0,
    });
  });

  it('a wrong answer after right steps fails no step', () => {
    const verdict = verify(task, changed('Answer: 8', 'Answer: 9'));
    assert.deepEqual(
      [verdict.verified, verdict.first_error, verdict.errors],
      [false, null, ['answer_mismatch']],
    );
    // No gating: the process still earns its share (paper eq. 3).
    assert.deepEqual(verdict.rewards, {
      outcome: 0,
      process: 1,
      composite: { '0.2': 0.8, '0.5': 0.5 },
      strict: 0,
    });
  });

  it('extra steps are noted and allowed', () => {
    const verdict = verify(task, `Define invented thing in Nowhere as Q; so Q = 7. ${FORWARD}`);
    assert.deepEqual([verdict.verified, verdict.errors], [true, ['extra_nodes']]);
    assert.deepEqual(verdict.report.extra_nodes, ['invented thing in Nowhere']);
  });

  it('marks what could not be read or was cut', () => {
    const { errors, parsed, process_accuracy } = verify(task, 'I think it is eight.');
    assert.deepEqual(
      [errors, parsed, process_accuracy],
      [['missing_nodes', 'answer_mismatch', 'unparsed'], false, 0],
    );
    const cutText = FORWARD.replace('Answer: 8.', '<answer> 8');
    assert.equal(verify(task, cutText).answer_correct, true);
    const cutVerdict = verify(task, cutText, { truncated: true });
    // Cut inside the answer: it might have become 85.
    assert.deepEqual(
      [cutVerdict.answer_correct, cutVerdict.errors],
      [false, ['answer_mismatch', 'truncated']],
    );
  });

  it('reverse: a wrong solution of the equation is wrong from x on', () => {
    const wrong = REVERSE.replaceAll('x = 3', 'x = 4').replace('Answer: 3', 'Answer: 4');
    const verdict = verify({ solution: REVERSE }, wrong);
    assert.equal(verdict.process_accuracy, 0);
    assert.deepEqual(verdict.first_error?.node, REVERSE_GRAPH.query);
  });

  it('a gold that cannot be read is an error, not a reward', () => {
    const cases: [object, string][] = [
      [{ solution: 'no steps. Answer: 4.' }, 'GOLD_UNPARSEABLE'],
      [{ solution: 'Define A as p; so p = 4.' }, 'GOLD_UNPARSEABLE'],
      [{ solution: 'Define A as p; so p = q. Answer: 4.' }, 'GOLD_UNPARSEABLE'],
      [{ ...task, graph: { ...FORWARD_GRAPH, answer: 9 } }, 'GOLD_UNPARSEABLE'],
      [{ ...task, graph: { ...FORWARD_GRAPH, nodes: [] } }, 'GOLD_GRAPH'],
      [{ ...task, graph: { ...FORWARD_GRAPH, nodes: FORWARD_GRAPH.nodes.toReversed() } }, 'GOLD_GRAPH'],
      [{ ...task, graph: { ...FORWARD_GRAPH, query: 'nobody' } }, 'GOLD_GRAPH'],
    ];
    for (const [gold, code] of cases) {
      assert.throws(() => verify(gold as VerifiableTask, FORWARD), { code });
    }
  });

  it('a prepared gold gives the same verdict, and a changed task is noticed', () => {
    const prepared: Gold = prepareGold(task);
    const response = changed('so j = 2.', 'so j = 3.');
    assert.deepEqual(verify(prepared, response), verify(task, response));
    const record = { solution: FORWARD };
    assert.ok(verify(record, FORWARD).verified);
    record.solution = FORWARD.replaceAll('South Zoo', 'Maple Creek');
    assert.ok(!verify(record, FORWARD).verified);
  });

  it('pays rewards by name', () => {
    const verdict = verify(task, changed('so j = 2.', 'so j = 3.'));
    const paid = Object.fromEntries(REWARD_NAMES.map((name) => [name, rewardByName(name)(verdict)]));
    assert.deepEqual(paid, {
      outcome: 1,
      process: 0.8,
      strict: 0,
      'compatible-outcome': 0, // the raw text has no <answer>
      'compatible-a0.2_p0.8': 0,
      'compatible-a0.5_p0.5': 0,
      'compatible-strict': 0,
      'composite-0.2': compositeReward(1, 0.8, 0.2),
      'composite-0.5': 0.9,
    });
    const third: Reward = rewardByName('composite-0.25');
    assert.equal(third(verdict), 0.25 + 0.75 * 0.8);
    for (const name of ['composite-2', 'composite', 'best', 'toString']) {
      assert.throws(() => rewardByName(name), { code: 'REWARD_NAME' });
    }
  });

  it("pays weighted sums of rewards by name and of one's own", () => {
    const verdict = verify(task, changed('so j = 2.', 'so j = 3.')); // outcome 1, process 0.8, strict 0
    const brief: Reward = ({ report }) => (report.extra_nodes.length === 0 ? 1 : 0);
    const mixed = weightedReward([
      ['outcome', 0.5],
      ['process', 0.25],
      ['composite-0.5', 1],
      ['strict', 7],
      [brief, -0.125],
    ]);
    assert.ok(Math.abs(mixed(verdict) - (0.5 + 0.25 * 0.8 + 0.9 - 0.125)) < 1e-15);
    const alone = weightedReward([['composite-0.2', 1]]);
    assert.equal(alone(verdict), rewardByName('composite-0.2')(verdict));
    assert.throws(() => weightedReward([]), { code: 'REWARD_WEIGHTS' });
    assert.throws(() => weightedReward([['outcome', Number.NaN]]), { code: 'REWARD_WEIGHTS' });
    assert.throws(() => weightedReward([['best', 1]]), { code: 'REWARD_NAME' });
    const broken = weightedReward([[() => Number.NaN, 1]]);
    assert.throws(() => broken(verdict), { code: 'REWARD_VALUE' });
  });
});

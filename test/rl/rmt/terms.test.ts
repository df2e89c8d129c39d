/** The parts of reinforcement mid-training against numbers worked out by hand. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { randomFamily } from '../../../src/core/random.ts';
import { groupAdvantages } from '../../../src/rl/advantage.ts';
import { objectiveSchema } from '../../../src/rl/options.ts';
import { budgetAt, isPaidForLength, lengthReward } from '../../../src/rl/rmt/budget.ts';
import { parseRmtConfig } from '../../../src/rl/rmt/config.ts';
import { bucketEdges, bucketOf } from '../../../src/rl/rmt/difficulty.ts';
import { needsEntropy } from '../../../src/rl/rmt/open.ts';
import { type Candidate, curriculumAt, drawPositions, textsOf } from '../../../src/rl/rmt/positions.ts';
import {
  candidatesOf,
  longestPrefixOf,
  promptsOf,
  type ThinkingPrompt,
} from '../../../src/rl/rmt/prompts.ts';
import { payMatches } from '../../../src/rl/rmt/rewards.ts';
import type { ThoughtGroup } from '../../../src/rl/rmt/sampling.ts';
import { thoughtStatistics } from '../../../src/rl/rmt/statistics.ts';
import { endsBehind, matchesPrefix, matchesTokens, parseThought } from '../../../src/rl/rmt/thought.ts';
import { trainTokenizer } from '../../../src/tokenizer/index.ts';
import { pack } from '../../../src/train/index.ts';
import { announceLengths, budgetTokens, nearestBudget } from '../../../src/train/thinkingBudget.ts';

const near = (got: number, wanted: number, what: string) =>
  assert.ok(Math.abs(got - wanted) < 1e-12, `${what}: ${got}, not ${wanted}`);

describe('rmt: budget', () => {
  it('shrinks as published: 800, 534, 357, 239, 160', () => {
    const schedule = { initial: 800, least: 1, gamma: 0.2 };
    assert.deepEqual(
      [0, 0.25, 0.5, 0.75, 1].map((progress) => budgetAt(schedule, progress)),
      [800, 534, 357, 239, 160], // the last is 800 · 0.2 within rounding: floor must not make it 159
    );
    assert.equal(budgetAt({ initial: 16, least: 10, gamma: 0.1 }, 1), 10);
    assert.equal(budgetAt({ initial: 100, least: 1, gamma: 0.29 }, 1), 29);
  });

  it('pays a triangle of lengths', () => {
    const lengths = [0, 2, 4, 8, 9, 12, 16, 17, 100];
    assert.deepEqual(
      lengths.map((length) => lengthReward(length, 8, 1)),
      [0, 0.25, 0.5, 1, 0.875, 0.5, 0, 0, 0],
    );
    assert.equal(lengthReward(4, 8, 3), 1.5);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 0, max: 999 }), (budget, off) => {
        // Symmetric around the budget, where it is largest.
        if (off > budget) return;
        near(lengthReward(budget - off, budget, 1), lengthReward(budget + off, budget, 1), 'symmetric');
        assert.ok(lengthReward(budget - off, budget, 1) <= 1, 'at most r_max');
      }),
    );
  });

  it('pays lengths to all, to groups with a right answer, or to right answers', () => {
    const cases = [
      [false, false],
      [false, true],
      [true, true],
    ] as const;
    const paid = (gate: 'none' | 'if_any_correct' | 'if_correct') =>
      cases.map(([correct, any]) => isPaidForLength(gate, correct, any));
    assert.deepEqual(paid('none'), [true, true, true]);
    assert.deepEqual(paid('if_any_correct'), [false, true, true]);
    assert.deepEqual(paid('if_correct'), [false, false, true]);
  });

  it('is announced by the nearest token in ratio, also in texts', () => {
    const special = ['<think>', '</think>', '<B16>', '<B4>'];
    const tokenizer = trainTokenizer(['a'], { vocabularySize: 270, special });
    const budgets = budgetTokens(tokenizer);
    assert.deepEqual(
      budgets.map(({ tokens }) => tokens),
      [4, 16],
    );
    // 8 is as far from 4 as from 16.
    const nearest = [1, 4, 7, 8, 9, 16, 800].map((length) => nearestBudget(budgets, length).tokens);
    assert.deepEqual(nearest, [4, 4, 4, 4, 16, 16, 16]);
    const [open, close] = ['<think>', '</think>'].map((tag) => tokenizer.idOf(tag)!) as [number, number];
    const [b16, b4] = [tokenizer.idOf('<B16>')!, tokenizer.idOf('<B4>')!];
    const long = Array<number>(12).fill(99);
    assert.deepEqual(
      announceLengths([50, open, 51, close, 52, open, ...long, close], { open, close }, budgets),
      [50, b4, open, 51, close, 52, b16, open, ...long, close],
    );
  });
});

describe('rmt: difficulty', () => {
  const entropies = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6, 1];

  it('has edges at quantiles or where they are stated', () => {
    assert.deepEqual(bucketEdges({ by: 'quantile', least: 0.5, edges: [0.8, 0.9] }, entropies), {
      least: 0.6,
      medium: 0.9,
      hard: 1,
      most: Number.MAX_VALUE,
    });
    const open = bucketEdges({ by: 'quantile', least: 0, edges: [0.5, 1] }, entropies);
    assert.equal(open.least, 0);
    assert.ok(
      entropies.every((entropy) => bucketOf(entropy, open) !== 'hard'),
      'share 1: nothing is hard',
    );
    assert.deepEqual(bucketEdges({ by: 'entropy', least: 0.5, edges: [1, 1.5] }, []), {
      least: 0.5,
      medium: 1,
      hard: 1.5,
      most: Number.MAX_VALUE,
    });
    const limited = bucketEdges({ by: 'quantile', least: 0, edges: [0.5, 0.6], most: 0.8 }, entropies);
    assert.equal(limited.most, 0.9);
  });

  it('puts an entropy on an edge into the harder bucket, and none above the limit', () => {
    const edges = { least: 0.5, medium: 1, hard: 1.5, most: 8 };
    assert.deepEqual(
      [0.49, 0.5, 0.99, 1, 1.49, 1.5, 8, 9].map((entropy) => bucketOf(entropy, edges)),
      [undefined, 'easy', 'easy', 'medium', 'medium', 'hard', 'hard', undefined],
    );
  });
});

describe('rmt: positions', () => {
  it('moves from one distribution to the other between two shares of the run', () => {
    const settings = {
      from: [0.5, 0.4, 0.1] as const,
      to: [0.1, 0.2, 0.7] as const,
      start: 0.3,
      end: 0.7,
    };
    assert.deepEqual(curriculumAt(settings, 0), settings.from);
    assert.deepEqual(curriculumAt(settings, 0.29), settings.from);
    assert.deepEqual(curriculumAt(settings, 0.7), settings.to);
    const half = curriculumAt(settings, 0.5);
    [0.3, 0.3, 0.4].forEach((share, i) => {
      near(half[i]!, share, 'half way');
    });
    const quarter = curriculumAt(settings, 0.4);
    [0.4, 0.35, 0.25].forEach((share, i) => {
      near(quarter[i]!, share, 'a quarter of the way');
    });
    assert.deepEqual(curriculumAt({ ...settings, start: 0.5, end: 0.5 }, 0.5), settings.to, 'a jump');
  });

  const candidates: Candidate[] = (['easy', 'medium', 'hard'] as const).flatMap((bucket, b) =>
    Array.from({ length: 40 }, (_, i) => ({ row: 100 * b + i, bucket })),
  );

  it('draws buckets by their shares and tokens uniformly, none twice', () => {
    const counts = new Map<number, number>();
    const family = randomFamily('test positions');
    const draws = 3000;
    const inBucket = [0, 0, 0];
    for (let i = 0; i < draws; i++) {
      const drawn = drawPositions(candidates, [0.5, 0, 0.5], 6, family.at(i));
      assert.equal(new Set(drawn.map(({ row }) => row)).size, 6, 'none twice');
      for (const { row } of drawn) {
        counts.set(row, (counts.get(row) ?? 0) + 1);
        inBucket[Math.floor(row / 100)]!++;
      }
    }
    assert.equal(inBucket[1], 0);
    // 18,000 draws at 1/2: five standard deviations are 335.
    assert.ok(Math.abs(inBucket[0]! - 9000) < 335, String(inBucket));
    // Each token 225 times on average; five standard deviations are 75.
    for (const [row, count] of counts) assert.ok(Math.abs(count - 225) < 75, `row ${row}: ${count}`);
  });

  it('goes on with the other buckets when one is used up, and ends when all are', () => {
    const few = [...candidates.slice(0, 2), ...candidates.slice(80)];
    const drawn = drawPositions(few, [0.9, 0.05, 0.05], 10, randomFamily('x').at(0));
    assert.equal(drawn.filter(({ bucket }) => bucket === 'easy').length, 2);
    assert.equal(drawn.filter(({ bucket }) => bucket === 'hard').length, 8);
    assert.equal(drawPositions(few, [0.9, 0.05, 0.05], 99, randomFamily('x').at(0)).length, 42);
    assert.equal(drawPositions(few, [1, 0, 0], 99, randomFamily('x').at(0)).length, 2);
    assert.equal(drawPositions([], undefined, 3, randomFamily('x').at(0)).length, 0);
  });

  it('finds candidates and prompts in a packed batch', () => {
    const sequences = [
      [10, 11, 12, 13],
      [20, 21],
      [30, 31, 32],
    ];
    const texts = textsOf(pack(sequences));
    assert.deepEqual(
      texts.map(({ ids }) => ids),
      sequences,
    );
    const found = candidatesOf(texts, {
      among: (ids) => Float32Array.from(ids.slice(1), (id) => (id === 11 ? 0 : 1)),
      longestPrefix: 2,
      except: new Set([32]),
      difficulty: {
        entropies: Float32Array.of(9, 1, 9, 0.1, 2, 9),
        edges: { least: 0.5, medium: 1.5, hard: 3, most: 8 },
      },
    });
    // Row 0 is left out by the mask, row 2 by its prefix, row 3 by its entropy, row 5 as a tag.
    assert.deepEqual(found, [
      { row: 1, bucket: 'easy' },
      { row: 4, bucket: 'medium' },
    ]);
    const prompts = promptsOf(texts, [found[1]!, found[0]!], [7, 8], 2);
    assert.deepEqual(prompts, [
      { row: 4, bucket: 'medium', prefix: [30], ids: [30, 7, 8], truth: [31, 32], following: [31, 32] },
      { row: 1, bucket: 'easy', prefix: [10, 11], ids: [10, 11, 7, 8], truth: [12, 13], following: [12, 13] },
    ]);
  });
});

describe('rmt: room', () => {
  it('is left for all that the model reads behind a prefix', () => {
    // Budget, <think>, 10 tokens: the last is sampled and not read.
    assert.equal(longestPrefixOf(10, 64), 64 - 2 - 10);
    // Information gain of 4 tokens: <think>, 10 of a thought that was cut, </think>, and 3 to predict the fourth.
    assert.equal(longestPrefixOf(10, 64, 4), 64 - 1 - 10 - 1 - 3);
    assert.equal(longestPrefixOf(61, 64), 1);
    assert.throws(() => longestPrefixOf(62, 64), { code: 'RMT_ROOM', message: /at most 61/ });
    assert.throws(() => longestPrefixOf(59, 64, 4), { code: 'RMT_ROOM', message: /at most 58/ });
  });

  it('entropies are measured wherever an edge keeps tokens out', () => {
    const needs = (positions: object, curriculum?: object) =>
      needsEntropy(
        parseRmtConfig({ init: 'x', preset: 'rlp', positions, ...(curriculum && { curriculum }) }),
      );
    assert.equal(needs({}), false);
    assert.equal(needs({ most: 0.99 }), true, 'most alone');
    assert.equal(needs({ least: 0.1 }), true);
    assert.equal(needs({}, {}), true);
  });
});

describe('rmt: thoughts', () => {
  const CLOSE = 2;

  it('are told from predictions by the first closing tag', () => {
    assert.deepEqual(parseThought([5, 6, CLOSE, 7], CLOSE), { length: 2, closed: true, prediction: [7] });
    assert.deepEqual(parseThought([CLOSE, CLOSE], CLOSE), { length: 0, closed: true, prediction: [CLOSE] });
    assert.deepEqual(parseThought([5, 6], CLOSE), { length: 2, closed: false, prediction: [] });
    const ends = endsBehind(CLOSE, 2);
    const at = (ids: number[]) => ids.findIndex((_, i) => ends(ids.slice(0, i + 1)));
    assert.equal(at([5, CLOSE, 6, 7, 8]), 3);
    assert.equal(at([CLOSE, CLOSE, 7, 8]), 2, 'a second tag is a prediction');
    assert.equal(at([5, 6, 7]), -1);
    assert.equal(endsBehind(CLOSE, 0)([5, CLOSE]), true);
  });

  it('match by token ids', () => {
    assert.equal(matchesTokens([4], [4]), true);
    assert.equal(matchesTokens([4], [5]), false);
    assert.equal(matchesTokens([4], [4, 5]), false, 'too short');
    assert.equal(matchesTokens([], [4]), false);
  });

  it('match by bytes at borders of the tokens of the text (RPT)', () => {
    const tokenizer = trainTokenizer(['ab ab ab ab abc abc'], { vocabularySize: 268, minFrequency: 1 });
    const id = (token: string) => tokenizer.idOf(token)!;
    const following = tokenizer.encode('ab');
    assert.equal(following.length, 1, 'ab is a token');
    const matches = (prediction: number[], text = following) => matchesPrefix(prediction, text, tokenizer);
    assert.equal(matches([id('a'), id('b')]), true, 'the same bytes in other tokens');
    assert.equal(matches([id('a')]), false, 'no token ends there');
    assert.equal(matches([id('ab'), id('c')]), false, 'longer than the text');
    assert.equal(matches([id('ab'), id('c')], [...following, id('c'), id('d')]), true, 'two tokens');
    assert.equal(matches([id('a'), id('b'), id('[EOS]')]), true, 'the end token ends it');
    assert.equal(matches([id('[EOS]')], [id('[EOS]')]), true, 'predicted by itself');
    assert.equal(matches([]), false);
  });

  const prompt: ThinkingPrompt = {
    row: 0,
    bucket: 'hard',
    prefix: [9],
    ids: [9, 1],
    truth: [7],
    following: [7],
  };
  const group = (responses: number[][]): ThoughtGroup => ({
    prompt,
    rollouts: responses.map((response, sampleIndex) => ({
      group: 0,
      prompt: prompt.ids,
      response,
      truncated: false,
      reward: Number.NaN,
      sampleIndex,
      sampled: new Float32Array(response.length),
      thought: parseThought(response, CLOSE),
      parts: {},
    })),
  });
  /** Lengths 2, 4 and 5 (not closed), the first right. */
  const responses = [
    [5, 5, CLOSE, 7],
    [5, 5, 5, 5, CLOSE, 6],
    [5, 5, 5, 5, 5],
  ];
  const tokenizer = trainTokenizer(['a'], { vocabularySize: 266 });
  const pay = (groups: ThoughtGroup[], gate?: 'none' | 'if_any_correct' | 'if_correct') => {
    const terms = gate === undefined ? undefined : { budget: 4, weight: 0.25, most: 1, gate };
    payMatches(groups, 'token', terms, tokenizer);
    return groups.map(({ rollouts }) => rollouts.map(({ reward }) => reward));
  };

  it('are paid (1 − w)·match + w·length', () => {
    // Length rewards under a budget of 4: 1/2, 1, 3/4.
    assert.deepEqual(pay([group(responses)], 'none'), [[0.75 + 0.125, 0.25, 0.1875]]);
    assert.deepEqual(pay([group(responses)], 'if_correct'), [[0.875, 0, 0]]);
    assert.deepEqual(pay([group(responses.slice(1))], 'if_any_correct'), [[0, 0]]);
    assert.deepEqual(pay([group(responses)]), [[1, 0, 0]], 'without a budget');
  });

  it('get whitened advantages in RMT and leave-one-out ones in RLP', () => {
    const { objective } = parseRmtConfig({ init: 'x' });
    const [rewards] = pay([group(responses)], 'none') as [number[]];
    const centre = (0.875 + 0.25 + 0.1875) / 3;
    const deviation = Math.sqrt(rewards.reduce((sum, reward) => sum + (reward - centre) ** 2, 0) / 2);
    const advantages = groupAdvantages([rewards], objective.advantage)[0]!;
    rewards.forEach((reward, i) => {
      near(advantages[i]!, (reward - centre) / (deviation + 1e-6), 'advantage');
    });
    // METHODS §2.3.
    const rlp = groupAdvantages(
      [[0.2, -0.1, 0.5, 0]],
      objectiveSchema.parse({ preset: 'rlp' }).advantage,
    )[0]!;
    [0.2 / 3, -1 / 3, 1.4 / 3, -0.2].forEach((advantage, i) => {
      near(rlp[i]!, advantage, 'leave one out');
    });
  });

  it('are counted: groups that are all wrong still differ in reward by length', () => {
    const groups = [group(responses), group(responses.slice(1))];
    pay(groups, 'none');
    const found = thoughtStatistics(groups)!;
    assert.equal(found.groups_all_wrong, 0.5);
    assert.equal(found.groups_mixed, 0.5);
    assert.equal(found.groups_without_signal, 0);
    near(found.match!, 0.2, 'match');
    near(found.thought_length, (2 + 4 + 5 + 4 + 5) / 5, 'length');
    near(found.closed, 3 / 5, 'closed');
    assert.deepEqual(found.drawn_by_difficulty, { easy: 0, medium: 0, hard: 1 });
    assert.equal(thoughtStatistics([]), undefined);
  });
});

describe('rmt: settings', () => {
  it('have the published defaults', () => {
    const config = parseRmtConfig({ init: 'x' });
    assert.deepEqual(config.thinking_budget, {
      initial: 800,
      least: 1,
      gamma: 0.2,
      announce: 'token',
      weight: 0.2,
      most: 1,
      gate: 'none',
    });
    assert.equal(config.group_size, 8);
    assert.equal(config.next_token.weight, 0.1);
    assert.equal(config.max_response_tokens, 2048);
    assert.equal(config.learning_rate, 1e-6);
    assert.deepEqual([config.curriculum!.start, config.curriculum!.end], [0.3, 0.7]);
    assert.equal(config.objective.reference.kind, 'none');
    assert.deepEqual(parseRmtConfig(config), config, 'parsing again changes nothing');
  });

  it('have presets for RPT, RLP and the ablations, under what is given', () => {
    const rpt = parseRmtConfig({ init: 'x', preset: 'rpt', positions: { least: 0.7 } });
    assert.deepEqual(
      [rpt.curriculum, rpt.thinking_budget, rpt.next_token.weight, rpt.reward],
      [null, null, 0, 'prefix'],
    );
    assert.deepEqual([rpt.positions.least, rpt.positions.edges], [0.7, [1, 1.5]]);
    const rlp = parseRmtConfig({ init: 'x', preset: 'rlp' });
    assert.deepEqual([rlp.group_size, rlp.temperature, rlp.baseline.decay], [16, 0.7, 0.999]);
    assert.equal(rlp.objective.advantage.baseline, 'leave_one_out');
    assert.deepEqual(parseRmtConfig(rlp), rlp);
    const { advantage } = parseRmtConfig({ init: 'x', objective: { preset: 'dr_grpo' } }).objective;
    assert.equal(advantage.scale, 'none', 'an objective of one’s own');
    const without = (preset: string) => parseRmtConfig({ init: 'x', preset });
    assert.equal(without('rmt_no_budget').thinking_budget, null);
    assert.equal(without('rmt_no_curriculum').curriculum, null);
    assert.equal(without('rmt_no_next_token').next_token.weight, 0);
  });

  it('are refused all at once where they contradict each other', () => {
    const refused = (input: object, ...problems: string[]) =>
      assert.throws(
        () => parseRmtConfig({ init: 'x', ...input }),
        (error: Error) => problems.every((problem) => error.message.includes(problem)),
        problems.join(),
      );
    refused(
      { data: { thinking: {} }, curriculum: { from: [1, 1, 0], start: 0.9 } },
      'data.thinking',
      'curriculum.from',
      'curriculum.start',
    );
    refused(
      { positions: { least: 0.9, edges: [0.5, 0.6], refresh: 1, model: 'y' } },
      'least, edges and most',
      'positions.refresh and positions.model',
    );
    refused({ reward: 'information_gain' }, 'thinking_budget');
    refused(
      { thinking_budget: { initial: 64, least: 65 }, max_response_tokens: 63 },
      'thinking_budget.least: at most initial',
      'thinking_budget.initial: at most max_response_tokens',
    );
    refused({ steps: 1, budget: { token_equivalents: 9 } }, 'steps and budget');
    refused({ validation: { split: 'train' } }, 'validation.split');
    assert.throws(() => parseRmtConfig({ init: 'x', preset: 'grpo' }), { code: 'CONFIG' });
  });
});

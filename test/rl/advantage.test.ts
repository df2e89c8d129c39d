import assert from 'node:assert/strict';
import fc from 'fast-check';
import { groupAdvantages } from '../../src/rl/advantage.ts';
import { type AdvantageOptions, advantageSchema } from '../../src/rl/options.ts';

const of = (groups: number[][], options: Partial<AdvantageOptions> = {}): number[][] =>
  groupAdvantages(groups, advantageSchema.parse(options)).map((group) => Array.from(group));

/** Equal to so many decimals. */
function near(found: number[][], expected: number[][], tolerance = 5e-6): void {
  assert.deepEqual(
    found.map((group) => group.length),
    expected.map((group) => group.length),
  );
  found.flat().forEach((x, i) => {
    const y = expected.flat()[i]!;
    assert.ok(Math.abs(x - y) <= tolerance, `${i}: ${x}, expected ${y}`);
  });
}

const rewards = fc.array(
  fc.array(
    fc.integer({ min: -8, max: 8 }).map((i) => i / 4),
    { minLength: 1, maxLength: 8 },
  ),
  { minLength: 1, maxLength: 5 },
);
const options = fc
  .record({
    baseline: fc.constantFrom('mean' as const, 'leave_one_out' as const),
    scale: fc.constantFrom('group' as const, 'batch' as const, 'none' as const),
    std: fc.constantFrom('sample' as const, 'population' as const),
    epsilon: fc.constantFrom(0, 1e-6, 1e-4),
    single: fc.constantFrom('zero' as const, 'reward' as const),
  })
  .map((given) => advantageSchema.parse(given));

describe('rl: advantages', () => {
  it('divides by the group deviation: the check values of METHODS §6.4', () => {
    // [1,0,1,0]: mean ½; sample deviation √(4·¼/3) = 0.57735; ½/(0.57735 + 1e-4) = 0.86588. Population: ½, ½/½ = 1.
    const trl = { epsilon: 1e-4 };
    near(of([[1, 0, 1, 0]], trl), [[0.86588, -0.86588, 0.86588, -0.86588]]);
    near(of([[1, 0, 1, 0]], { epsilon: 0, std: 'population' }), [[1, -1, 1, -1]]);
    // [1,1,1,0]: mean ¾; deviation √((3/16 + 9/16)/3) = ½; ¼/0.5001 = 0.4999, −¾/0.5001 = −1.4997.
    near(of([[1, 1, 1, 0]], trl), [[0.4999, 0.4999, 0.4999, -1.4997]]);
  });

  it("the paper's: group of 6, ε 1e-6, sample deviation", () => {
    // One right of six: mean 1/6; deviation √((25/36 + 5/36)/5) = √(1/6) = 0.408248; (5/6)/0.408249 = 2.041238.
    near(of([[0, 0, 1, 0, 0, 0]]), [[-0.408247, -0.408247, 2.041236, -0.408247, -0.408247, -0.408247]]);
  });

  it('leaves the deviation out (Dr. GRPO)', () => {
    assert.deepEqual(of([[1, 1, 1, 0]], { scale: 'none' }), [[0.25, 0.25, 0.25, -0.75]]);
  });

  it('takes the deviation of all rewards of the step (Lite PPO)', () => {
    // [1,0] and [1,1]: all of 1,0,1,1 have sample deviation ½; the first group differs from its mean by ½: ±1.
    near(
      of(
        [
          [1, 0],
          [1, 1],
        ],
        { scale: 'batch', epsilon: 0 },
      ),
      [
        [1, -1],
        [0, 0],
      ],
    );
  });

  it('leaves each reward out of its own baseline (RLOO): the check values of METHODS §2.3', () => {
    // r − mean of the other three: 0.2 − 0.4/3, −0.1 − 0.7/3, 0.5 − 0.1/3, 0 − 0.6/3.
    const found = of([[0.2, -0.1, 0.5, 0]], { baseline: 'leave_one_out', scale: 'none' });
    near(found, [[0.06667, -0.33333, 0.46667, -0.2]]);
  });

  it('lets a response that could not be scored count for nobody', () => {
    for (const scale of ['group', 'batch', 'none'] as const) {
      for (const baseline of ['mean', 'leave_one_out'] as const) {
        const [[a, b, c, d]] = of([[1, Number.NaN, 0, 0.5]], { scale, baseline }) as [number[]];
        const [[x, y, z]] = of([[1, 0, 0.5]], { scale, baseline }) as [number[]];
        assert.deepEqual([a, b, c, d], [x, 0, y, z]);
      }
    }
    assert.deepEqual(of([[Number.NaN, Number.NaN], []]), [[0, 0], []]);
  });

  it('in a group of one: nothing, or the reward itself as verl', () => {
    assert.deepEqual(of([[0.5], [Number.NaN, 1]]), [[0], [0, 0]]);
    // verl: (r − 0)/(1 + ε)
    near(of([[0.5]], { single: 'reward' }), [[0.5 / (1 + 1e-6)]], 0);
    assert.deepEqual(of([[0.5]], { single: 'reward', scale: 'none', baseline: 'leave_one_out' }), [[0.5]]);
  });

  it('is exactly 0 in a group of equal rewards, whatever rounding makes of their mean', () => {
    const tenth = Array<number>(6).fill(0.1);
    assert.notEqual(tenth.reduce((a, b) => a + b) / 6, 0.1); // a plain mean would leave ±1e-17/ε
    fc.assert(
      fc.property(options, (given) => {
        assert.deepEqual(groupAdvantages([tenth], given), [new Float64Array(6)]);
        assert.deepEqual(groupAdvantages([tenth, [0.3, 0.7]], given)[0], new Float64Array(6));
      }),
      { numRuns: 50 },
    );
  });

  it('follows a permutation, ignores a shift of all rewards, and adds up to 0 in each group', () => {
    fc.assert(
      fc.property(rewards, options, fc.integer({ min: -4, max: 4 }), (groups, given, shift) => {
        const found = groupAdvantages(groups, given);
        const reversed = groupAdvantages(groups.map((group) => group.toReversed()).toReversed(), given);
        reversed.toReversed().forEach((group, g) => {
          near([Array.from(group.toReversed())], [Array.from(found[g]!)], 1e-12);
        });
        const centred = { ...given, single: 'zero' as const };
        const plain = groupAdvantages(groups, centred);
        const shifted = groupAdvantages(
          groups.map((group) => group.map((r) => r + shift)),
          centred,
        );
        shifted.forEach((group, g) => {
          near([Array.from(group)], [Array.from(plain[g]!)], 1e-12);
        });
        for (const group of plain) assert.ok(Math.abs(group.reduce((a, b) => a + b, 0)) < 1e-12, `${group}`);
      }),
      { numRuns: 200 },
    );
  });

  it('equals the formula, response by response', () => {
    const mean = (x: number[]) => x.reduce((a, b) => a + b, 0) / x.length;
    fc.assert(
      fc.property(rewards, options, (groups, given) => {
        const deviation = (x: number[]) => {
          const squares = x.reduce((sum, value) => sum + (value - mean(x)) ** 2, 0);
          return Math.sqrt(squares / (given.std === 'sample' ? x.length - 1 : x.length));
        };
        const found = groupAdvantages(groups, given);
        groups.forEach((group, g) => {
          if (new Set(group).size < 2) return; // stated above
          const scale = {
            group: () => deviation(group),
            batch: () => deviation(groups.flat()),
            none: () => 0,
          };
          const divisor = given.scale === 'none' ? 1 : scale[given.scale]() + given.epsilon;
          group.forEach((reward, i) => {
            const others = group.filter((_, j) => j !== i);
            const baseline = mean(given.baseline === 'mean' ? group : others);
            near([[found[g]![i]!]], [[(reward - baseline) / divisor]], 1e-10);
          });
        });
      }),
      { numRuns: 200 },
    );
  });

  it('refuses rewards that are infinite', () => {
    assert.throws(() => of([[1, Number.POSITIVE_INFINITY]]), /not finite/);
  });
});
